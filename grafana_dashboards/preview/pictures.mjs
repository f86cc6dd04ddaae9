// Takes a picture of each dashboard, light and dark: node pictures.mjs PROMETHEUS NOW INTERVAL FOLDER [NAME ...]
// The browser is Debian's; CHROMIUM names another one.

import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const HERE = dirname(fileURLToPath(import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.woff2': 'font/woff2' }
const NAMES = ['overview', 'company', 'quality', 'alert-tuning', 'exporter', 'bots']
const COMPANY = 'Müller & Söhne GmbH'
const WANTED = { company: { 'var-company': COMPANY }, 'alert-tuning': { 'var-activity': 'user_queries' } }

const [prometheus, now, interval, folder, ...names] = process.argv.slice(2)

// The built page, and the dashboards as they are shipped.
const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, 'http://x').pathname)
  const file = path.startsWith('/dashboards/') ? join(HERE, '..', path.slice(11)) : join(HERE, 'dist', path === '/' ? 'index.html' : path)
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
for (const name of names.length ? names : NAMES) {
  const uid = `chat-usage-${name}`
  hashes[uid] = createHash('sha256').update(await readFile(join(HERE, '..', `${uid}.json`))).digest('hex')
  for (const theme of ['light', 'dark']) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } })
    page.on('pageerror', (error) => console.error(`${uid} ${theme}: ${error.message.slice(0, 300)}`))
    await page.clock.setFixedTime(new Date(Number(now) * 1000)) // "3 hours ago" is as of the figures
    const asked = new URLSearchParams({ dashboard: uid, theme, prometheus, now, interval, ...WANTED[name] })
    await page.goto(`http://127.0.0.1:${server.address().port}/?${asked}`)
    await page.waitForSelector('body[data-loaded]', { timeout: 60000 })
    if ((await page.getAttribute('body', 'data-loaded')) === 'broken') throw new Error(await page.innerText('body'))
    await page.waitForFunction(() => document.fonts.status === 'loaded' && document.querySelector('#board') !== null)
    const height = await page.evaluate(() => document.querySelector('#board').offsetHeight)
    await page.setViewportSize({ width: 1600, height }) // what lies outside the window is not drawn
    await page.waitForTimeout(1500) // tables measure themselves, then draw
    broken += await page.locator('[data-broken]').count()
    for (const text of await page.locator('[data-broken]').allInnerTexts()) console.error(`${uid} ${theme}: ${text}`)
    const empty = await page.locator('[data-empty]').evaluateAll((all) => all.map((each) => each.dataset.empty))
    if (theme === 'light') console.log(`${uid}: ${empty.length ? `nothing in ${empty.join(', ')}` : 'every panel has something'}`)
    await page.locator('#board').screenshot({ path: join(folder, `${name}-${theme}.png`) })
    await page.close()
  }
}
await browser.close()
server.close()
const record = join(folder, 'taken-of.json')
const before = JSON.parse(await readFile(record, 'utf8').catch(() => '{}'))
await writeFile(record, `${JSON.stringify({ ...before, ...hashes }, null, 1)}\n`)
process.exit(broken ? 1 : 0)
