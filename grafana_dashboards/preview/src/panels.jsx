// Draws a panel with Grafana's own components.

import { dateTime, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data'
import { BarGauge, BigValue, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui'
import { TableNG } from '@grafana/ui/unstable'
import React from 'react'
import { Cells } from './days.jsx'
import { together } from './frames.js'

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
          colorMode={colorMode} graphMode={graphMode} justifyMode={justifyMode} textMode={textMode} wideLayout={wideLayout} text={panel.options.text}
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

function OverTime({ panel, frames, width, height, theme, from, now }) {
  const range = { from: dateTime(from), to: dateTime(now), raw: { from: dateTime(from), to: dateTime(now) } }
  return <TimeSeries frames={[together(frames, from, now)]} structureRev={1} width={width} height={height} timeRange={range} timeZone="utc" legend={panel.options.legend} options={panel.options} />
}

function Rows({ panel, frames, width, height }) {
  const data = frames[0]
  const sort = panel.options.sortBy
  return (
    <TableNG
      data={data} width={width} height={height} structureRev={1} fieldConfig={panel.fieldConfig} cellHeight={panel.options.cellHeight}
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

export function PanelView({ panel, frames, error, width, height, ...rest }) {
  const Kind = isEmpty(frames) ? Nothing : KINDS[panel.type]
  return (
    <PanelChrome title={panel.shownTitle} description={panel.description} width={width} height={height} padding={panel.type === 'table' ? 'none' : 'md'}>
      {(innerWidth, innerHeight) => (
        <Guard>
          {error ? <pre data-broken>{error}</pre> : <Kind panel={panel} frames={frames} width={innerWidth} height={innerHeight} {...rest} />}
        </Guard>
      )}
    </PanelChrome>
  )
}
