// Asks Prometheus, and makes of its answers the frames that Grafana's data source makes.

import { FieldType, toDataFrame } from '@grafana/data'
import { fill } from './variables.js'

const DAY = 86400
const seconds = (text) => ({ s: 1, m: 60, h: 3600, d: DAY })[text.slice(-1)] * Number(text.slice(0, -1))

export class Prometheus {
  // `url` of a real Prometheus, `now` in seconds; `interval` between scrapes, in seconds
  constructor(url, now, interval) {
    Object.assign(this, { url, now, interval })
  }

  async ask(path, fields) {
    const answer = await fetch(`${this.url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(fields) })
    const body = await answer.json()
    if (body.status !== 'success') throw new Error(`${fields.query}: ${body.error}`)
    return body.data.result
  }

  // What a variable offers: values of a label, or what its regular expression finds in series as Grafana writes them
  async values(variable, query) {
    const [, how, asked, label] = query.match(/^(label_values|query_result)\((.+?)(?:, (\w+))?\)$/s)
    const found = await this.ask('query', { query: how === 'label_values' ? `count by (${label}) (${asked})` : asked, time: this.now })
    const written = ({ __name__: name = '', ...labels }) => `${name}{${Object.entries(labels).map(([key, value]) => `${key}="${value}"`).join(',')}}`
    const offered = found.map(({ metric }) => (label ? { value: metric[label], text: metric[label] } : written(metric).match(new RegExp(variable.regex.slice(1, -1))).groups))
    return offered.filter((each) => each.value).sort((a, b) => a.text.localeCompare(b.text))
  }

  // The frames of one target; `from` is in seconds
  async frames(target, chosen, shown, from) {
    target = { ...target, legendFormat: fill(target.legendFormat ?? '', chosen, shown) }
    const step = Math.max(this.interval, target.interval ? seconds(target.interval) : 0)
    const own = { __rate_interval: `${4 * this.interval}s`, __interval: `${step}s`, __range: `${this.now - from}s` }
    const query = fill(target.expr, { ...chosen, ...own })
    if (target.instant) {
      const found = await this.ask('query', { query, time: this.now })
      return target.format === 'table' ? [asTable(target, found)] : found.map((each) => asSeries(target, each.metric, [each.value]))
    }
    const start = Math.floor(from / step) * step
    const found = await this.ask('query_range', { query, start, end: this.now, step })
    return found.map((each) => asSeries(target, each.metric, each.values, step))
  }
}

function asSeries(target, labels, points, step) {
  const name = target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')
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
