// A data source that asks a real Prometheus, as Grafana's does: the step of its server, the frames that it makes, the way
// in which it writes the values of variables. Grafana's own is not used: its licence is the AGPL.

import { DataSourceApi, FieldType, PluginType, rangeUtil, toDataFrame } from '@grafana/data'
import { getTemplateSrv } from '@grafana/runtime'
import { from, of } from 'rxjs'
import { named } from './frames.js'

export const SETTINGS = { id: 1, uid: 'prometheus', type: 'prometheus', name: 'Prometheus', jsonData: {}, meta: { id: 'prometheus', type: PluginType.datasource, metrics: true, info: {} } }
const MOST_POINTS = 11000

const escapedRegex = (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\\\$&').replace(/"/g, '\\"')
const escaped = (text) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')

// One value of a variable without `multi` is compared as it is written, others are a regular expression.
function written(value, { multi, includeAll }) {
  if (!multi && !includeAll) return escaped(String(value))
  const words = [value].flat().map(escapedRegex)
  return words.length === 1 ? words[0] : `(${words.join('|')})`
}

export class Prometheus extends DataSourceApi {
  // `url` of a Prometheus, `scrapes` in seconds: the option "Scrape interval" of a data source
  constructor(url, scrapes) {
    super(SETTINGS)
    Object.assign(this, { url, scrapes, interval: `${scrapes}s` })
    this.annotations = {
      prepareQuery: ({ expr, step }) => ({ expr, interval: step, legendFormat: '' }),
      processEvents: (annotation, frames) => of(frames.flatMap((frame) => events(annotation, frame))),
    }
  }

  query(request) {
    return from(Promise.all(request.targets.map((target) => this.frames(target, request))).then((found) => ({ data: named(found.flat()) })))
  }

  async metricFindQuery({ query }, { range, scopedVars }) {
    const [, how, asked, label] = query.match(/^(label_values|query_result)\((.+?)(?:, (\w+))?\)$/s)
    const selected = fill(asked, scopedVars)
    const found = await this.ask('query', { query: label ? `count by (${label}) (${selected})` : selected, time: range.to.unix() })
    const series = ({ __name__: name = '', ...labels }) => `${name}{${Object.entries(labels).map(([key, value]) => `${key}="${value}"`).join(',')}}`
    const offered = found.map(({ metric, value: [at, value] }) => (how === 'label_values' ? metric[label] : `${series(metric)} ${value} ${at * 1000}`))
    return offered.filter(Boolean).map((text) => ({ text }))
  }

  async frames(target, { range, maxDataPoints, scopedVars }) {
    const length = range.to.diff(range.from)
    const { intervalMs } = rangeUtil.calculateInterval(range, maxDataPoints, target.interval || this.interval)
    const step = Math.max(intervalMs, rangeUtil.roundInterval(length / MOST_POINTS)) / 1000
    const own = { __rate_interval: Math.max(step + this.scrapes, 4 * this.scrapes), __interval: step, __range: Math.round(length / 1000) }
    const query = fill(target.expr, scopedVars).replace(/\$(?:\{(__\w+)\}|(__\w+))/g, (whole, braced, bare) => (own[braced ?? bare] ? `${own[braced ?? bare]}s` : whole))
    const legend = fill(target.legendFormat ?? '', scopedVars)
    if (target.instant) {
      const found = await this.ask('query', { query, time: range.to.unix() })
      return target.format === 'table' ? [asTable(target, found)] : found.map((each) => asSeries(target, legend, each.metric, [each.value]))
    }
    const aligned = (moment) => Math.floor(moment.unix() / step) * step
    const found = await this.ask('query_range', { query, start: aligned(range.from), end: aligned(range.to), step })
    return found.map((each) => asSeries(target, legend, each.metric, each.values, step))
  }

  async ask(path, fields) {
    const answer = await fetch(`${this.url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(fields) })
    const body = await answer.json()
    if (body.status !== 'success') throw new Error(`${fields.query}: ${body.error}`)
    return body.data.result
  }
}

// What the server fills in is left in its place.
function fill(text, { __interval, __interval_ms, ...scoped }) {
  return getTemplateSrv().replace(text, scoped, written)
}

const labelled = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')

function asSeries(target, legend, labels, points, step) {
  const name = labelled(legend, labels)
  return toDataFrame({
    refId: target.refId,
    name,
    meta: { type: 'timeseries-multi' },
    fields: [
      { name: 'Time', type: FieldType.time, values: points.map(([at]) => at * 1000), config: step ? { interval: step * 1000 } : {} },
      { name: 'Value', type: FieldType.number, labels, values: points.map(([, value]) => Number(value)), config: { displayNameFromDS: name } },
    ],
  })
}

function asTable(target, found) {
  const labels = [...new Set(found.flatMap((each) => Object.keys(each.metric)))].sort()
  if (!found.length) return toDataFrame({ refId: target.refId, fields: [] })
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map((each) => each.value[0] * 1000), config: {} },
      ...labels.map((label) => ({ name: label, type: FieldType.string, values: found.map((each) => each.metric[label] ?? ''), config: { filterable: true } })),
      { name: 'Value', type: FieldType.number, values: found.map((each) => Number(each.value[1])), config: {} },
    ],
  })
}

// A mark where a series begins; neighbouring steps become one region.
function events({ titleFormat, iconColor }, frame) {
  const [time, value] = frame.fields
  const found = []
  time.values.forEach((at, index) => {
    const last = found.at(-1)
    if (!value.values[index]) return
    if (last && at - (last.timeEnd ?? last.time) <= time.config.interval) Object.assign(last, { timeEnd: at, isRegion: true })
    else found.push({ time: at, title: labelled(titleFormat, value.labels), text: '', tags: [], color: iconColor })
  })
  return found
}
