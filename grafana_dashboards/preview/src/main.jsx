// Shows one dashboard: /?dashboard=chat-usage-overview&theme=dark&prometheus=http://127.0.0.1:9090&now=1795186800&var-company=...

import '@fontsource/inter/400.css'
import '@fontsource/inter/500.css'
import { createTheme, ThemeContext } from '@grafana/data'
import { GlobalStyles, PortalContainer } from '@grafana/ui'
import React from 'react'
import { createRoot } from 'react-dom/client'
import { prepare } from './frames.js'
import { PanelView } from './panels.jsx'
import { Prometheus } from './questions.js'
import { fill, inQuery, resolve, wordsOf } from './variables.js'

const WIDTH = 1600
const ROW = 30
const GAP = 8
const given = new URLSearchParams(window.location.search)

// Panels that are repeated become one for each chosen value, in lines of `maxPerRow`; what stands below moves down.
function spread(panels, found) {
  const out = []
  let moved = 0
  for (const panel of panels) {
    const at = { ...panel.gridPos, y: panel.gridPos.y + moved }
    if (!panel.repeat) {
      out.push({ ...panel, gridPos: at, local: {} })
      continue
    }
    const { variable, options, values } = found[panel.repeat]
    const each = values[0] === '$__all' ? options : values
    each.forEach((value, number) => {
      const w = 24 / Math.min(panel.maxPerRow, Math.max(each.length, 1))
      const place = { w, h: at.h, x: (number % panel.maxPerRow) * w, y: at.y + Math.floor(number / panel.maxPerRow) * at.h }
      out.push({ ...panel, gridPos: place, local: { [panel.repeat]: { query: inQuery(variable, [value]), shown: wordsOf(found[panel.repeat], value) } } })
    })
    moved += (Math.ceil(each.length / panel.maxPerRow) - 1) * at.h
  }
  return out
}

async function load(theme) {
  const dashboard = await (await fetch(`dashboards/${given.get('dashboard')}.json`)).json()
  const now = Number(given.get('now'))
  const [, days, whole] = dashboard.time.from.match(/^now-(\d+)d(\/d)?$/)
  const from = whole ? Math.floor(now / 86400 - days) * 86400 : now - days * 86400
  const prometheus = new Prometheus(given.get('prometheus'), now, Number(given.get('interval')))
  const wanted = Object.fromEntries([...given].filter(([key]) => key.startsWith('var-')).map(([key, value]) => [key.slice(4), value]))
  const found = await resolve(dashboard, wanted, (variable, query) => prometheus.values(variable, query))
  const words = (local, key) => Object.fromEntries(Object.entries({ ...found, ...local }).map(([name, each]) => [name, each[key]]))
  const panels = []
  for (const panel of spread(dashboard.panels, found)) {
    const shownTitle = fill(panel.title, words(panel.local, 'query'), words(panel.local, 'shown'))
    if (panel.type === 'row') {
      panels.push({ ...panel, shownTitle })
      continue
    }
    try {
      const answers = await Promise.all(panel.targets.map((target) => prometheus.frames(target, words(panel.local, 'query'), words(panel.local, 'shown'), from)))
      panels.push({ ...panel, shownTitle, frames: await prepare(panel, answers.flat(), theme) })
    } catch (error) {
      panels.push({ ...panel, shownTitle, frames: [], error: String(error) })
    }
  }
  return { dashboard, found, panels, from: from * 1000, now: now * 1000 }
}

function Choices({ dashboard, found, from, now, theme }) {
  const chip = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, display: 'inline-flex', fontSize: 13, height: 30, alignItems: 'stretch' }
  const label = { background: theme.colors.background.secondary, padding: '0 8px', display: 'flex', alignItems: 'center', fontWeight: 500 }
  const value = { padding: '0 10px', display: 'flex', alignItems: 'center' }
  const day = (at) => new Date(at).toISOString().slice(0, 10)
  const visible = Object.values(found).filter((each) => each.variable.hide !== 2)
  return (
    <div style={{ padding: `${GAP}px ${GAP / 2}px`, color: theme.colors.text.primary }}>
      <div style={{ fontSize: 18, fontWeight: 500, marginBottom: 10 }}>{dashboard.title}</div>
      <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap' }}>
        {visible.map((each) => (
          <span key={each.variable.name} style={chip}>
            <span style={label}>{each.variable.label}</span>
            <span style={value}>{each.shown}</span>
          </span>
        ))}
        {dashboard.annotations.list.filter((each) => !each.builtIn).map((each) => (
          <span key={each.name} style={{ ...chip, opacity: each.enable ? 1 : 0.5 }}>
            <span style={value}>{`${each.enable ? '☑' : '☐'} ${each.name}`}</span>
          </span>
        ))}
        {dashboard.links.map((each) => (
          <span key={each.title} style={chip}>
            <span style={value}>{each.asDropdown ? `${each.title} ⌄` : each.title}</span>
          </span>
        ))}
        <span style={{ ...chip, marginLeft: 'auto' }}>
          <span style={value}>{`${day(from)} to ${day(now)}, UTC`}</span>
        </span>
      </div>
    </div>
  )
}

function Board({ dashboard, found, panels, from, now, theme }) {
  const unit = WIDTH / 24
  const bottom = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h))
  const place = ({ x, y, w, h }) => ({ position: 'absolute', left: x * unit + GAP / 2, top: y * (ROW + GAP), width: w * unit - GAP, height: h * (ROW + GAP) - GAP })
  return (
    <div id="board" style={{ width: WIDTH, padding: '4px 0 8px', background: theme.colors.background.canvas }}>
      <Choices dashboard={dashboard} found={found} from={from} now={now} theme={theme} />
      <div style={{ position: 'relative', height: bottom * (ROW + GAP) }}>
        {panels.map((panel) => {
          const where = place(panel.gridPos)
          const key = `${panel.id}-${panel.shownTitle}`
          if (panel.type === 'row') return <div key={key} style={{ ...where, fontSize: 16, fontWeight: 500, paddingTop: 6, color: theme.colors.text.primary }}>{`${panel.collapsed ? '›' : '⌄'} ${panel.shownTitle}${panel.collapsed ? ` (${panel.panels.length} panels)` : ''}`}</div>
          return (
            <div key={key} style={where}>
              <PanelView panel={panel} frames={panel.frames} error={panel.error} width={where.width} height={where.height} theme={theme} from={from} now={now} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

const theme = createTheme({ colors: { mode: given.get('theme') } })
Promise.all([load(theme), document.fonts.load('13px Inter'), document.fonts.load('500 13px Inter')]) // text is measured to be cut to fit
  .then(([loaded]) => {
    createRoot(document.getElementById('root')).render(
      <ThemeContext.Provider value={theme}><GlobalStyles /><PortalContainer /><Board {...loaded} theme={theme} /></ThemeContext.Provider>,
    )
    document.body.dataset.loaded = 'yes'
  })
  .catch((error) => {
    document.body.innerText = String(error.stack)
    document.body.dataset.loaded = 'broken'
  })
