// State timeline and status history, which Grafana's libraries do not contain: a simple version with the same cells, colours and words.

import { getDisplayProcessor, FieldType } from '@grafana/data'
import React from 'react'

const AXIS = 22
const LEGEND = 24

export function Cells({ panel, frames, width, height, theme, range }) {
  const [from, now] = [range.from.valueOf(), range.to.valueOf()]
  const rows = frames.map((frame) => {
    const values = frame.fields.find((field) => field.type === FieldType.number)
    return { name: values.config.displayNameFromDS, times: frame.fields[0].values, values: values.values, field: values, step: frame.fields[0].config.interval }
  })
  const label = Math.min(320, Math.max(...rows.map((row) => row.name.length)) * 6.6 + 12)
  const tall = (height - AXIS - LEGEND) / rows.length
  const x = (at) => label + ((at - from) / (now - from)) * (width - label - 4)
  const isHistory = panel.type === 'status-history'
  const shown = panel.options.rowHeight * tall
  return (
    <div style={{ position: 'relative', width, height }}>
      <svg width={width} height={height - LEGEND} style={{ display: 'block' }}>
        {rows.map((row, number) => {
          const display = getDisplayProcessor({ field: row.field, theme, timeZone: 'utc' })
          const y = number * tall + (tall - shown) / 2
          return (
            <g key={row.name}>
              <text x={label - 8} y={(number + 0.5) * tall} fontSize={Math.max(9, Math.min(12, tall - 1))} textAnchor="end" dominantBaseline="central" fill={theme.colors.text.primary}>
                {row.name.length > 48 ? `${row.name.slice(0, 47)}…` : row.name}
              </text>
              {row.times.map((at, index) => {
                const begin = Math.max(x(at), label)
                const end = Math.min(x(at + row.step), width - 4)
                const wide = (end - begin) * (isHistory ? panel.options.colWidth : 1)
                return wide > 0 && <rect key={at} x={begin} y={y} width={wide + (isHistory ? 0 : 0.4)} height={shown} fill={display(row.values[index]).color} fillOpacity="0.85" />
              })}
            </g>
          )
        })}
        {ticks(from, now, width - label).map((at) => (
          <text key={at} x={x(at)} y={height - LEGEND - 6} fontSize="12" textAnchor="middle" fill={theme.colors.text.secondary}>
            {new Date(at).toISOString().slice(5, 10).replace('-', '/')}
          </text>
        ))}
      </svg>
      <Legend panel={panel} theme={theme} field={rows[0]?.field} />
    </div>
  )
}

function ticks(from, now, width) {
  const day = 86400000
  const every = Math.ceil((now - from) / day / Math.min(8, width / 50)) * day
  const found = []
  for (let at = Math.ceil(from / day) * day + every / 2 - (every / 2) % day; at < now; at += every) found.push(at)
  return found
}

// The names of states if there are any, otherwise the thresholds of the colours.
function Legend({ panel, theme, field }) {
  if (!field) return null
  const display = getDisplayProcessor({ field, theme, timeZone: 'utc' })
  const words = (field.config.mappings ?? []).flatMap((each) => Object.values(each.options)).map((each) => [each.text, each.color])
  const steps = field.config.thresholds.steps
  const say = (value) => `${display(value).text}${display(value).suffix ?? ''}`
  const bands = steps.map((step, number) => [number ? `${say(step.value)} and more` : `below ${say(steps[1]?.value ?? 0)}`, step.color])
  return (
    <div style={{ display: 'flex', gap: 16, height: LEGEND, alignItems: 'center', fontSize: 12, paddingLeft: 8, color: theme.colors.text.primary }}>
      {(words.length ? words : bands).map(([text, colour]) => (
        <span key={text}>
          <i style={{ display: 'inline-block', width: 14, height: 4, borderRadius: 2, marginRight: 6, verticalAlign: 'middle', background: theme.visualization.getColorByName(colour) }} />
          {text}
        </span>
      ))}
    </div>
  )
}
