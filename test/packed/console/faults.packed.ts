// Makes pages of the console break each rule that the other tests check, so that a check that finds nothing fails here.
import t from 'tap'
import { openBrowser, skip } from '../browser.js'
import { violationsOf, wideElements } from './inspect.js'
import { values } from './sample.js'
import { startConsole } from './start.js'
import { openPage } from './visit.js'

t.test('console: a page that breaks a rule is found', { skip }, async (t) => {
  const browser = await openBrowser(t)
  const { url } = await startConsole(t, { lines: [] })
  const { page, faults } = await openPage(browser, url)
  await page.getByLabel('Admin key').waitFor()
  t.same(faults, [])

  for (const [rule, program, fault] of [
    ['HTML of a text', 'document.querySelector("main").innerHTML = "<b>b</b>"', /^logged violated require-trusted-types-for/],
    ['a script', 'document.createElement("script").src = "data:text/javascript,1"',
      /^logged violated require-trusted-types-for/],
    ['an inline style', 'document.body.setAttribute("style", "color: red")', /^logged violated style-src-attr/],
    ['a request to elsewhere', 'fetch("http://elsewhere.example/")', /^logged violated connect-src/],
    ['a picture of elsewhere', 'new Image().src = "http://elsewhere.example/a.png"', /^logged violated img-src/],
    ['an error', 'setTimeout(() => { throw new Error("fault") })', /^threw fault/],
    ['a dialog', 'alert(1)', /^asked 1/],
    ['an address in a URL', 'location.hash = "jane@example.com"', /^went to .*#jane@example\.com/],
    ['an address in a path', 'fetch("jane%40example.com")', /^requested .*jane%40example\.com/],
    ['a value in a query', `fetch("?search=${values.ci.slice(0, 20)}")`, /^requested .*search=vex_cIcI0123/]
  ] as const) {
    await page.evaluate(`(async () => { ${program} })().catch(() => {})`)
    const deadline = Date.now() + 5000
    while (!faults.some((text) => fault.test(text)) && Date.now() < deadline) await page.waitForTimeout(20)
    t.match(faults.splice(0).find((text) => fault.test(text)), fault, rule)
  }

  await page.emulateMedia({ colorScheme: 'light' })
  for (const [rule, program, violation] of [
    ['a picture without a name', 'document.querySelector("main").append(new Image())', /^image-alt/],
    ['a pale text', 'document.querySelector("h1").style.color = "#aaa"', /^color-contrast/],
    ['small buttons', `document.querySelector("main").appendChild(document.createElement("div")).append(
      ...["a", "b"].map((textContent) => {
        const button = Object.assign(document.createElement("button"), { textContent })
        Object.assign(button.style, { minHeight: 0, padding: 0, height: "9px" })
        return button
      }))`, /^target-size/]
  ] as const) {
    await page.evaluate(`(() => { ${program} })()`)
    t.match((await violationsOf(page)).find((text) => violation.test(text)), violation, rule)
  }
  t.same(await wideElements(page), [])
  await page.evaluate('document.querySelector("h1").style.width = "2000px"')
  t.same(await wideElements(page), ['HTML'], 'a page that scrolls sideways')
})
