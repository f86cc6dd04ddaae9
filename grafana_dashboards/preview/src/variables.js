// What Grafana puts in the places of variables: the same rules for all, several and one value.

const escapedRegex = (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\\\$&').replace(/"/g, '\\"')
const escaped = (text) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')

export const isAll = (values) => values.length === 1 && values[0] === '$__all'

// In a question. One value of a variable without `multi` is compared as it is written.
export function inQuery(variable, values) {
  if (isAll(values)) return variable.allValue
  if (!values.length || values[0] === undefined) return ''
  if (!variable.multi) return escaped(values[0])
  const words = values.map(escapedRegex)
  return words.length === 1 ? words[0] : `(${words.join('|')})`
}

export function fill(text, chosen, shown = {}) {
  return text.replace(/\$(?:\{(\w+)(?::(\w+))?\}|(\w+))/g, (whole, braced, format, bare) => (format === 'text' ? shown : chosen)[braced ?? bare] ?? whole)
}

export const wordsOf = ({ texts }, value) => texts[value] ?? value

// Resolves the variables of a dashboard from left to right; `wanted` are choices other than the dashboard's own.
export async function resolve(dashboard, wanted, ask) {
  const found = {}
  for (const variable of dashboard.templating.list) {
    if (variable.type === 'datasource') continue
    const queries = Object.fromEntries(Object.entries(found).map(([name, each]) => [name, each.query]))
    const offered = variable.type === 'query' ? await ask(variable, fill(variable.definition, queries)) : variable.options
    const options = offered.map((option) => option.value)
    const texts = Object.fromEntries(offered.map((option) => [option.value, option.text]))
    const values = first(variable, options, wanted[variable.name])
    found[variable.name] = { variable, options, texts, values, query: inQuery(variable, values), shown: isAll(values) ? 'All' : values.map((value) => texts[value] ?? value).join(' + ') }
  }
  return found
}

function first(variable, options, wanted) {
  if (wanted !== undefined) return [wanted]
  const current = [variable.current?.value ?? []].flat()
  if (isAll(current)) return current
  const there = current.filter((value) => options.includes(value))
  return there.length ? there : [options[0]]
}
