// Makes a scene of a dashboard's JSON, as Grafana's application does: its library draws scenes, and does not read JSON.

import {
  CustomVariable, dataLayers, DataSourceVariable, EmbeddedScene, LocalValueVariable, SceneByVariableRepeater, SceneControlsSpacer,
  SceneCSSGridLayout, SceneDataLayerSet, SceneDataTransformer, SceneGridItem, SceneGridLayout, SceneGridRow,
  SceneQueryRunner, SceneReactObject, SceneRefreshPicker, SceneTimePicker, SceneTimeRange, SceneVariableSet, QueryVariable,
  VariableValueSelectors, VizPanel,
} from '@grafana/scenes'
import { withLowest } from './frames.js'
import { Layers, Links } from './controls.jsx'

const ROW = 30
const GAP = 8

export function sceneOf(dashboard) {
  const layers = dashboard.annotations.list.filter((each) => !each.builtIn).map(layer)
  return new EmbeddedScene({
    $timeRange: new SceneTimeRange({ ...dashboard.time, timeZone: dashboard.timezone }),
    $variables: new SceneVariableSet({ variables: dashboard.templating.list.map(variable) }),
    $data: new SceneDataLayerSet({ layers }),
    controls: [
      new VariableValueSelectors({}),
      new SceneReactObject({ component: Layers, props: { layers } }),
      new SceneControlsSpacer(),
      new SceneReactObject({ component: Links, props: { links: dashboard.links } }),
      new SceneTimePicker({}),
      new SceneRefreshPicker({ refresh: dashboard.refresh, intervals: dashboard.timepicker.refresh_intervals }),
    ],
    body: new SceneGridLayout({ children: rows(dashboard.panels) }),
  })
}

function variable(each) {
  const { name, label, hide, description, regex, sort, refresh, includeAll, allValue, datasource, query, multi, current = {} } = each
  const shared = { name, label, hide, description, value: current.value ?? '', text: current.text ?? '' }
  const choice = { ...shared, isMulti: multi, includeAll, allValue }
  if (each.type === 'datasource') return new DataSourceVariable({ ...shared, pluginId: query, regex })
  if (each.type === 'custom') return new CustomVariable({ ...choice, query })
  return new QueryVariable({ ...choice, query, datasource, regex, sort, refresh })
}

const layer = (each) => new dataLayers.AnnotationsDataLayer({ name: each.name, isEnabled: each.enable, isHidden: each.hide, query: each })

// The panels that follow an open row are its own.
function rows(panels) {
  const found = []
  for (const panel of panels) {
    if (panel.type === 'row') found.push({ row: panel, own: [...panel.panels] })
    else found.at(-1).own.push(panel)
  }
  return found.map(({ row, own }) => new SceneGridRow({ key: `row-${row.id}`, title: row.title, isCollapsed: row.collapsed, y: row.gridPos.y, children: own.map(item) }))
}

function item(panel) {
  const { x, y, w: width, h: height } = panel.gridPos
  const body = panel.repeat ? repeated(panel, height) : viz(panel)
  return new SceneGridItem({ key: `item-${panel.id}`, x, y, width, height, body })
}

// One panel for each chosen value; those below move down when there are more lines of them.
function repeated(panel, height) {
  const made = new SceneByVariableRepeater({
    variableName: panel.repeat,
    body: new SceneCSSGridLayout({ templateColumns: `repeat(auto-fit, minmax(${Math.floor(90 / panel.maxPerRow)}%, 1fr))`, autoRows: `${height * (ROW + GAP) - GAP}px`, rowGap: 1, columnGap: 1, children: [] }),
    getLayoutChild: ({ value, label }) => viz(panel, new SceneVariableSet({ variables: [new LocalValueVariable({ name: panel.repeat, value, text: label })] })),
  })
  made.addActivationHandler(() => {
    const subscription = made.state.body.subscribeToState(({ children }) => {
      const wanted = height * Math.max(Math.ceil(children.length / panel.maxPerRow), 1)
      if (made.parent.state.height !== wanted) {
        made.parent.setState({ height: wanted })
        made.parent.parent.parent.forceRender()
      }
    })
    return () => subscription.unsubscribe()
  })
  return made
}

function viz(panel, $variables) {
  return new VizPanel({
    key: $variables ? undefined : `panel-${panel.id}`,
    title: panel.title,
    description: panel.description,
    pluginId: panel.type,
    options: panel.options,
    fieldConfig: withLowest(panel.fieldConfig),
    $variables,
    $data: new SceneDataTransformer({
      $data: new SceneQueryRunner({ datasource: panel.datasource, queries: panel.targets, maxDataPointsFromWidth: true }),
      transformations: panel.transformations ?? [],
    }),
  })
}
