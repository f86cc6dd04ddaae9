// From answers to what a panel draws: Grafana's own transformations and field options, and the two things of its
// application that its libraries do not carry: how tables name their values, and tables of curves.

import {
  applyFieldOverrides, cacheFieldDisplayNames, FieldConfigOptionsRegistry, FieldType, standardTransformers, standardTransformersRegistry,
  toDataFrame, transformDataFrame,
} from '@grafana/data'
import { lastValueFrom } from 'rxjs'

const known = new Map(Object.values(standardTransformers).map((each) => [each.id, each])) // some stand there by two names
standardTransformersRegistry.setInit(() => [...known.values()].map((each) => ({ id: each.id, name: each.name, transformation: () => each })))

const CUSTOM = {
  timeseries: {
    drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', barAlignment: 0,
    barWidthFactor: 0.6, stacking: { mode: 'none', group: 'A' }, axisPlacement: 'auto', axisLabel: '', axisColorMode: 'text',
    axisBorderShow: false, axisCenteredZero: false, scaleDistribution: { type: 'linear' }, showPoints: 'auto', pointSize: 5,
    hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: 'off' }, spanNulls: false, insertNulls: false,
  },
}
const PLAIN = ['unit', 'decimals', 'min', 'max', 'noValue', 'thresholds', 'color', 'mappings', 'links', 'displayName', 'fieldMinMax']

// Every option is applied as it stands: the dashboards are written for what the panels take.
const registry = (ids) =>
  new FieldConfigOptionsRegistry(() =>
    ids.map((id) => {
      const isCustom = id.startsWith('custom.')
      return { id, name: id, isCustom, path: isCustom ? id.slice(7) : id, process: (value) => value, shouldApply: () => true }
    }),
  )

// Instant answers in table form: their value is called by its question, where several were asked.
function named(frames) {
  const tables = frames.filter((frame) => frame.fields.some((field) => field.name === 'Value' && !field.labels))
  if (new Set(tables.map((frame) => frame.refId)).size < 2) return frames
  return frames.map((frame) =>
    tables.includes(frame)
      ? { ...frame, fields: frame.fields.map((field) => (field.name === 'Value' ? { ...field, name: `Value #${frame.refId}` } : field)) }
      : frame,
  )
}

// A row for each series, its labels and its curve, as Grafana's application makes it.
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

export async function prepare(panel, answers, theme) {
  let frames = named(answers)
  for (const step of panel.transformations ?? []) {
    frames = step.id === 'timeSeriesTable' ? tableOfCurves(frames) : await lastValueFrom(transformDataFrame([step], frames, { interpolate: (text) => text }))
  }
  const { defaults, overrides } = withLowest(panel.fieldConfig)
  const fieldConfig = { defaults: { ...defaults, custom: { ...CUSTOM[panel.type], ...defaults.custom } }, overrides }
  const ids = [...new Set([...PLAIN, ...Object.keys(fieldConfig.defaults.custom).map((key) => `custom.${key}`), ...overrides.flatMap((each) => each.properties.map((one) => one.id))])]
  const drawn = applyFieldOverrides({
    data: frames, fieldConfig, fieldConfigRegistry: registry(ids), replaceVariables: (text) => text, theme, timeZone: 'utc',
  })
  cacheFieldDisplayNames(drawn)
  return drawn
}

// JSON has no minus infinity: the first step of thresholds is null there.
function withLowest(fieldConfig) {
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
