// What Grafana's application hands to its libraries.

import { EventBusSrv, LoadingState, locationUtil } from '@grafana/data'
import { config, locationService, setAppEvents, setDataSourceSrv, setPluginImportUtils, setRunRequest, setTemplateSrv } from '@grafana/runtime'
import { sceneGraph, sceneUtils } from '@grafana/scenes'
import { catchError, from, map, of } from 'rxjs'
import { SETTINGS } from './datasource.js'
import { PLUGINS } from './panels.jsx'

export function provide(theme, prometheus) {
  config.theme2 = theme
  setAppEvents(new EventBusSrv())
  setDataSourceSrv({ get: async () => prometheus, getInstanceSettings: () => SETTINGS, getList: () => [SETTINGS] })
  setTemplateSrv({
    replace: (text, scoped, format) => sceneGraph.interpolate(scoped.__sceneObject.value.valueOf(), text, scoped, format),
    getVariables: () => [],
    containsTemplate: () => false,
    updateTimeRange: () => undefined,
  })
  setRunRequest((source, request) =>
    from(source.query(request)).pipe(
      map(({ data }) => ({ state: LoadingState.Done, series: data, timeRange: request.range, request })),
      catchError((error) => of({ state: LoadingState.Error, series: [], timeRange: request.range, request, errors: [{ message: String(error) }] })),
    ),
  )
  setPluginImportUtils({ importPanelPlugin: async (id) => PLUGINS[id], getPanelPluginFromCache: () => undefined })
  for (const [pluginId, plugin] of Object.entries(PLUGINS)) sceneUtils.registerRuntimePanelPlugin({ pluginId, plugin })
  locationUtil.initialize({ config, getVariablesUrlParams: () => ({}), getTimeRangeForUrl: () => ({}) })
  return locationService
}
