// Takes a picture of each dashboard, light and dark: node pictures.mjs [--narrow] PROMETHEUS NOW INTERVAL FOLDER [NAME ...]
// With --narrow also as on a phone.
// The browser is Debian's; CHROMIUM names another one.

import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'

const HERE = dirname(fileURLToPath(import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.woff2': 'font/woff2', '.svg': 'image/svg+xml' }
const NAMES = ['overview', 'company', 'quality', 'alert-tuning', 'exporter', 'bots']
const COMPANY = 'Müller & Söhne GmbH'
const WANTED = { company: { 'var-company': COMPANY }, 'alert-tuning': { 'var-activity': 'user_queries' } }

const WIDE = 1600, NARROW = 400
const { values: { narrow }, positionals } = parseArgs({ options: { narrow: { type: 'boolean' } }, allowPositionals: true })
const [prometheus, now, interval, folder, ...names] = positionals

const ROOTS = [['/dashboards/', '..'], ['/public/build/', 'node_modules/@grafana/ui/dist/public'], ['/public/', 'node_modules/@grafana/ui/dist/public'], ['/', 'dist']]

// The built page, the dashboards as they are shipped, and Grafana's icons.
const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, 'http://x').pathname).replace(/^\/$/, '/index.html')
  const file = ROOTS.reduce((found, [prefix, folder]) => found ?? (path.startsWith(prefix) ? join(HERE, folder, path.slice(prefix.length)) : undefined), undefined)
  try {
    const body = await readFile(file)
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body)
  } catch {
    response.writeHead(404).end()
  }
})
await new Promise((ready) => server.listen(0, '127.0.0.1', ready))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--font-render-hinting=none'],
})
let broken = 0
const hashes = {}

// Draws a dashboard in a window of this width and returns its page.
async function drawn(uid, theme, width, wanted) {
  const page = await browser.newPage({ viewport: { width, height: 1000 } })
  page.on('pageerror', (error) => complain(`${uid} ${theme}`, error.message.slice(0, 300)))
  await page.clock.setFixedTime(new Date(Number(now) * 1000)) // "3 hours ago" is as of the figures
  const asked = new URLSearchParams({ dashboard: uid, theme, prometheus, interval, ...wanted })
  await page.goto(`http://127.0.0.1:${server.address().port}/?${asked}`)
  await page.waitForSelector('body[data-loaded]', { timeout: 120000 })
  if ((await page.getAttribute('body', 'data-loaded')) === 'broken') throw new Error(await page.innerText('body'))
  await page.waitForFunction(() => document.fonts.status === 'loaded' && document.querySelector('#board') !== null)
  const height = await page.evaluate(() => document.querySelector('#board').scrollHeight)
  await page.setViewportSize({ width, height }) // what lies outside the window is not drawn
  await page.waitForTimeout(1500) // tables measure themselves, then draw
  return page
}

function complain(where, what) {
  broken += 1
  console.error(`${where}: ${what}`)
}

for (const name of names.length ? names : NAMES) {
  const uid = `chat-usage-${name}`
  hashes[uid] = createHash('sha256').update(await readFile(join(HERE, '..', `${uid}.json`))).digest('hex')
  for (const [theme, width, suffix] of [['light', WIDE, ''], ['dark', WIDE, ''], ...(narrow ? [['light', NARROW, '-narrow']] : [])]) {
    const page = await drawn(uid, theme, width, WANTED[name])
    for (const text of await page.locator('[data-broken]').allInnerTexts()) complain(`${uid} ${theme}`, text)
    for (const link of await page.locator('#board a[href]').evaluateAll((all) => all.map((each) => decodeURIComponent(each.getAttribute('href')))))
      if (/\$\{|undefined/.test(link)) complain(`${uid} ${theme}`, `a link that is not filled in: ${link}`)
    const empty = await page.locator('[data-empty]').evaluateAll((all) => all.map((each) => each.dataset.empty))
    if (theme === 'light' && !suffix) console.log(`${uid}: ${empty.length ? `nothing in ${empty.join(', ')}` : 'every panel has something'}`)
    await page.locator('#board').screenshot({ path: join(folder, `${name}-${theme}${suffix}.png`) })
    await page.close()
  }
}
await browser.close()
server.close()
const record = join(folder, 'taken-of.json')
const before = JSON.parse(await readFile(record, 'utf8').catch(() => '{}'))
await writeFile(record, `${JSON.stringify({ ...before, ...hashes }, null, 1)}\n`)
process.exit(broken ? 1 : 0)
