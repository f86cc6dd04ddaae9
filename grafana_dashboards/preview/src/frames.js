// What Grafana's libraries do not carry of its application: names of table values, tables of curves, and the options of
// panels, which are applied here as they are written.

import { FieldConfigOptionsRegistry, FieldType, standardTransformers, standardTransformersRegistry, toDataFrame } from '@grafana/data'
import { map } from 'rxjs'

const CURVES = { id: 'timeSeriesTable', name: 'Time series to table', operator: () => (source) => source.pipe(map(tableOfCurves)) }
const known = new Map([...Object.values(standardTransformers), CURVES].map((each) => [each.id, each])) // some are there twice
standardTransformersRegistry.setInit(() => [...known.values()].map((each) => ({ id: each.id, name: each.name, transformation: () => each })))

export const CUSTOM = {
  timeseries: {
    drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', barAlignment: 0,
    barWidthFactor: 0.6, stacking: { mode: 'none', group: 'A' }, axisPlacement: 'auto', axisLabel: '', axisColorMode: 'text',
    axisBorderShow: false, axisCenteredZero: false, scaleDistribution: { type: 'linear' }, showPoints: 'auto', pointSize: 5,
    hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: 'off' }, spanNulls: false, insertNulls: false,
  },
}

// Knows every option: the dashboards have none that their panels lack.
class EveryOption extends FieldConfigOptionsRegistry {
  getIfExists(id) {
    if (!super.getIfExists(id) && id !== 'custom') {
      const isCustom = id.startsWith('custom.')
      this.register({ id, name: id, isCustom, path: isCustom ? id.slice(7) : id, process: (value) => value, shouldApply: () => true })
    }
    return super.getIfExists(id)
  }
}
const PLAIN = ['unit', 'decimals', 'min', 'max', 'noValue', 'thresholds', 'color', 'mappings', 'links', 'displayName', 'fieldMinMax']

export function everyOption(type) {
  const registry = new EveryOption(() => [])
  for (const id of [...PLAIN, ...Object.keys(CUSTOM[type] ?? {}).map((key) => `custom.${key}`)]) registry.getIfExists(id)
  return registry
}

// Instant answers in table form: their value is called by its query, where there are several.
export function named(frames) {
  const tables = frames.filter((frame) => frame.fields.some((field) => field.name === 'Value' && !field.labels))
  if (new Set(tables.map((frame) => frame.refId)).size < 2) return frames
  return frames.map((frame) =>
    tables.includes(frame)
      ? { ...frame, fields: frame.fields.map((field) => (field.name === 'Value' ? { ...field, name: `Value #${frame.refId}` } : field)) }
      : frame,
  )
}

// A row for each series, its labels and its curve.
function tableOfCurves(frames) {
  const curves = frames.filter((frame) => frame.fields.length === 2 && frame.fields[1].labels)
  const rest = frames.filter((frame) => !curves.includes(frame))
  const made = [...new Set(curves.map((frame) => frame.refId))].map((refId) => {
    const own = curves.filter((frame) => frame.refId === refId)
    const labels = [...new Set(own.flatMap((frame) => Object.keys(frame.fields[1].labels)))]
    const text = (label) => ({ name: label, type: FieldType.string, config: {}, values: own.map((frame) => frame.fields[1].labels[label] ?? '') })
    return toDataFrame({ refId, fields: [...labels.map(text), { name: `Trend #${refId}`, type: FieldType.frame, config: {}, values: own }] })
  })
  return [...rest, ...made]
}

// JSON has no minus infinity: the first step of thresholds is null there.
export function withLowest(fieldConfig) {
  return JSON.parse(JSON.stringify(fieldConfig), (key, value) =>
    key === 'steps' ? value.map((step, number) => (number ? step : { ...step, value: -Infinity })) : value,
  )
}

// The series of a time panel in one frame, with a null at each step that has no value: a gap is drawn as one.
export function together(frames, from, now) {
  const step = frames[0].fields[0].config.interval
  const times = []
  for (let at = Math.floor(from / step) * step; at <= now; at += step) times.push(at)
  const fields = frames.map(({ fields: [time, value] }) => {
    const known = new Map(time.values.map((at, index) => [at, value.values[index]]))
    return { ...value, name: value.config.displayNameFromDS, values: times.map((at) => known.get(at) ?? null) }
  })
  return toDataFrame({ fields: [{ ...frames[0].fields[0], values: times, config: {} }, ...fields] })
}
