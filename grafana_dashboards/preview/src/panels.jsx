// The kinds of panels, in Grafana's own components: the plugins themselves are parts of its application.

import { cacheFieldDisplayNames, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayValues, PanelPlugin } from '@grafana/data'
import { BarGauge, BigValue, TimeSeries, useTheme2, VizRepeater } from '@grafana/ui'
import { TableNG } from '@grafana/ui/unstable'
import React from 'react'
import { Cells } from './days.jsx'
import { CUSTOM, everyOption, together } from './frames.js'
import { Marks } from './marks.jsx'

class Guard extends React.Component {
  state = {}
  static getDerivedStateFromError(error) {
    return { error }
  }
  render() {
    return this.state.error ? <pre data-broken style={{ color: 'red' }}>{String(this.state.error.stack).slice(0, 600)}</pre> : this.props.children
  }
}

function values(panel, frames, theme) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text, theme,
    data: frames, sparkline: panel.options.graphMode === 'area', timeZone: 'utc',
  })
}

function Stats({ panel, frames, width, height, theme }) {
  const { colorMode, graphMode, justifyMode, textMode, wideLayout } = panel.options
  return (
    <VizRepeater
      getValues={() => values(panel, frames, theme)} source={frames} width={width} height={height} orientation={panel.options.orientation} autoGrid
      renderValue={({ value, width, height, count }) => (
        <BigValue
          value={{ ...value.display, title: value.display.title ?? value.name }}
          theme={theme} width={width} height={height} count={count} sparkline={graphMode === 'area' ? value.sparkline : undefined}
          colorMode={colorMode} graphMode={graphMode} justifyMode={justifyMode} textMode={textMode} disableWideLayout={!wideLayout} text={panel.options.text}
        />
      )}
    />
  )
}

function Gauges({ panel, frames, width, height, theme }) {
  const { displayMode, orientation, showUnfilled, valueMode, namePlacement } = panel.options
  const drawn = values(panel, frames, theme)
  const alignment = getDisplayValueAlignmentFactors(drawn)
  return (
    <VizRepeater
      getValues={() => drawn} source={frames} width={width} height={height} orientation={orientation} itemSpacing={8} minVizHeight={panel.options.minVizHeight}
      renderValue={({ value, width, height }) => (
        <BarGauge
          value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)} theme={theme} width={width} height={height}
          orientation={orientation} displayMode={displayMode} showUnfilled={showUnfilled} valueDisplayMode={valueMode} namePlacement={namePlacement}
          itemSpacing={8} lcdCellWidth={8} alignmentFactors={alignment} text={panel.options.text}
        />
      )}
    />
  )
}

function OverTime({ panel, frames, width, height, range, marks, revision }) {
  return (
    <TimeSeries frames={[together(frames, range.from.valueOf(), range.to.valueOf())]} structureRev={revision} width={width} height={height} timeRange={range} timeZone="utc" legend={panel.options.legend} options={panel.options}>
      {(builder) => <Marks builder={builder} marks={marks} />}
    </TimeSeries>
  )
}

function Rows({ panel, frames, width, height, revision }) {
  const data = frames[0]
  const sort = panel.options.sortBy
  return (
    <TableNG
      data={data} width={width} height={height} structureRev={revision} fieldConfig={panel.fieldConfig} cellHeight={panel.options.cellHeight}
      sortBy={sort} enableSharedCrosshair={false} getActions={() => []}
    />
  )
}

const KINDS = { stat: Stats, bargauge: Gauges, timeseries: OverTime, table: Rows, 'state-timeline': Cells, 'status-history': Cells }

const isEmpty = (frames) => !frames.some((frame) => frame.fields.some((field) => field.type !== FieldType.time && field.values.length))

function Nothing({ panel, width, height, theme }) {
  const style = { width, height, display: 'flex', alignItems: 'center', justifyContent: 'center', textAlign: 'center', fontSize: 14, color: theme.colors.text.secondary }
  return <div data-empty={panel.title} style={style}>{panel.fieldConfig.defaults.noValue}</div>
}

// A panel as a plugin gets it from a scene: data with options applied, times, and the marks of annotations.
const drawn = (type) =>
  function Drawn({ title, data, timeRange, options, fieldConfig, width, height }) {
    const theme = useTheme2()
    const panel = { title, options, fieldConfig, type }
    cacheFieldDisplayNames(data.series)
    if (data.errors?.length) return <pre data-broken>{data.errors.map((each) => each.message).join('\n')}</pre>
    const Shown = isEmpty(data.series) ? Nothing : KINDS[type]
    return (
      <Guard>
        <Shown panel={panel} frames={data.series} width={width} height={height} theme={theme} range={timeRange} marks={data.annotations ?? []} revision={data.structureRev} />
      </Guard>
    )
  }

export const PLUGINS = Object.fromEntries(
  Object.keys(KINDS).map((type) => {
    const plugin = new PanelPlugin(drawn(type))
    if (type === 'table') plugin.setNoPadding()
    plugin.setDataSupport({ annotations: true, alertStates: false })
    Object.defineProperty(plugin, 'fieldConfigRegistry', { value: everyOption(type) })
    Object.defineProperty(plugin, 'fieldConfigDefaults', { value: { defaults: { custom: CUSTOM[type] ?? {} }, overrides: [] } })
    return [type, plugin]
  }),
)
