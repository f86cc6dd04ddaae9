// Shows one dashboard: /?dashboard=chat-usage-overview&theme=dark&prometheus=http://127.0.0.1:9090&interval=60&var-company=...
// The clock of the browser is the dashboard's "now".

import '@fontsource/inter/400.css'
import '@fontsource/inter/500.css'
import { createTheme, LoadingState, ThemeContext } from '@grafana/data'
import { SceneQueryRunner, sceneGraph, UrlSyncManager } from '@grafana/scenes'
import { GlobalStyles, PortalContainer } from '@grafana/ui'
import React from 'react'
import { createRoot } from 'react-dom/client'
import { MemoryRouter } from 'react-router-dom'
import { Prometheus } from './datasource.js'
import { sceneOf } from './scene.js'
import { provide } from './services.js'

const given = new URLSearchParams(window.location.search)
const theme = createTheme({ colors: { mode: given.get('theme') } })

// Whether all variables have their values and all panels of open rows their data.
function isLoaded(scene) {
  const runners = sceneGraph.findAllObjects(scene, (each) => each instanceof SceneQueryRunner && each.isActive)
  const isDone = ({ state: { data } }) => data?.state === LoadingState.Done || data?.state === LoadingState.Error
  return runners.length > 0 && runners.every(isDone) && !scene.state.$variables.state.variables.some((each) => each.state.loading)
}

async function show() {
  const dashboard = await (await fetch(`dashboards/${given.get('dashboard')}.json`)).json()
  provide(theme, new Prometheus(given.get('prometheus'), Number(given.get('interval'))))
  await Promise.all(['13px Inter', '500 13px Inter'].map((font) => document.fonts.load(font))) // text is measured to be cut to fit
  const scene = sceneOf(dashboard)
  new UrlSyncManager().initSync(scene)
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PortalContainer />
      <MemoryRouter>
        <div id="board" style={{ padding: 8, background: theme.colors.background.canvas }}>
          <h1 style={{ fontSize: 18, fontWeight: 500 }}>{dashboard.title}</h1>
          <scene.Component model={scene} />
        </div>
      </MemoryRouter>
    </ThemeContext.Provider>,
  )
  const waiting = setInterval(() => {
    if (!isLoaded(scene)) return
    clearInterval(waiting)
    document.body.dataset.loaded = 'yes'
  }, 100)
}

show().catch((error) => {
  document.body.innerText = String(error.stack)
  document.body.dataset.loaded = 'broken'
})
