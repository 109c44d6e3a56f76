import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { inspector, startInspected, stopInspected, visitRaw } from "./inspected-edge.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
if (CHROMIUM === undefined) process.stderr.write("skipped: the inspector page, since there is no Chromium\n");

describe.skipIf(CHROMIUM === undefined)("the inspector page in a browser", () => {
  let browser: Browser | undefined;

  beforeAll(async () => {
    await startInspected();
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await stopInspected();
  });

  it("shows a request as it passes and its trace by keyboard, with hostile text as text", async () => {
    const page = await browser?.newPage();
    if (page === undefined) throw new Error("no browser");
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.goto(inspector());
    await page.getByText("live", { exact: true }).waitFor();
    await visitRaw("/?<b>bold</b><script>document.title='taken'</script>");
    const hostile = page.locator("#requests tbody tr", { hasText: "<b>bold</b>" });
    await hostile.first().waitFor();
    expect(await page.locator("#requests b").count()).toBe(0);
    expect(await page.title()).toBe("sitefleet inspector");

    await page.keyboard.press("/");
    await page.keyboard.type("status-that-is-none");
    await expect.poll(() => page.locator("#requests tbody tr").count()).toBe(0);
    await page.locator("#filter").fill("bold 200");
    await page.getByRole("button", { name: "Pause" }).focus();
    await page.keyboard.press("Tab");
    expect(await page.locator("#requests button:focus").innerText()).toContain("<b>bold</b>");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await expect.poll(() => page.locator("#trace-source .held").count()).toBeGreaterThan(3);
    await expect.poll(() => page.locator("#trace-events").innerText()).toContain("restart 1");
    await page.locator("#trace-events button").nth(1).press("Enter");
    const here = page.locator("#trace-source .here");
    expect(await here.evaluate(isInSight)).toBe(true);
    expect(await page.locator("#trace-source .here").count()).toBe(1);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(await page.locator("#requests button:focus").count()).toBe(1);

    await page.getByRole("tab", { name: "Requests" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#cache tbody tr", { hasText: "s:shop" }).first().waitFor();
    expect(faults).toEqual([]);
  }, 60_000);

  it("holds the last 20,000 requests for its filter and draws 300 of them, paused or not", async () => {
    const page = await browser?.newPage({ viewport: { width: 390, height: 800 } });
    if (page === undefined) throw new Error("no browser");
    await page.goto(inspector());
    await page.getByText("live", { exact: true }).waitFor();
    await page.evaluate(flood({ first: 0, count: 25_000 }));
    const count = page.locator("#request-count");
    await expect.poll(() => count.innerText()).toBe("300 of 20000");
    expect(await page.locator("#requests tbody tr").count()).toBe(300);
    const first = page.locator("#requests tbody tr").first();
    expect(await first.innerText()).toContain("/n24999");

    await page.getByRole("searchbox", { name: "Filter" }).fill("host.test/n5001");
    await expect.poll(() => count.innerText()).toBe("1 of 1 that match, 20000 in all");
    await page.getByRole("searchbox", { name: "Filter" }).fill("host.test/n4000");
    await page.getByText("No request matches the filter.").waitFor();
    await page.getByRole("searchbox", { name: "Filter" }).fill("");

    await first.getByRole("button").focus();
    await page.keyboard.press("ArrowDown");
    await page.evaluate(flood({ first: 25_000, count: 10 }));
    await expect.poll(() => first.innerText()).toContain("/n25009");
    expect(await page.locator("#requests button:focus").innerText()).toContain("/n24998");

    await page.getByRole("button", { name: "Pause" }).click();
    await page.evaluate(flood({ first: 30_000, count: 3 }));
    await expect.poll(() => count.innerText()).toContain("paused, 3 waiting");
    expect(await first.innerText()).toContain("/n25009");
    await page.getByRole("button", { name: "Pause", pressed: true }).click();
    await expect.poll(() => first.innerText()).toContain("/n30002");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  }, 60_000);
});

/** Whether an element can be seen without scrolling. */
function isInSight(element: {
  getBoundingClientRect(): { readonly top: number; readonly bottom: number };
}): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= 720;
}

/** What gives the page rows as the stream would, through its own module. */
function flood({ first, count }: { readonly first: number; readonly count: number }): string {
  return `import("/request-list.js").then(({ addRequest }) => {
    for (let n = ${first}; n < ${first + count}; n += 1) {
      addRequest({ id: n, at: n, pop: "LHR", isShield: false, service: "s", method: "GET", host: "host.test",
        url: "/n" + n, status: 200, state: "HIT", restarts: 0, bytes: 1, ms: 1, keys: [], traced: true });
    }
  })`;
}
