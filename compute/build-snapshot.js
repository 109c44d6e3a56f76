// Starts the JavaScript engine with the app once and keeps its memory: the module that comes out begins where the start
// ended. This is what `js-compute` does with wizer (github.com/bytecodealliance/wizer), which lets the engine read the clock
// and the machine's randomness, so that no two of its modules are alike. Binary format: webassembly.github.io/spec/core/binary.
import { stillWasi } from "./build-wasi.js";

/** Section ids. */
const CUSTOM = 0;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const DATA_COUNT = 12;
const DATA = 11;

const I32 = 0x7f;
const I32_CONST = 0x41;
const END = 0x0b;
const MEMORY_EXPORT = 2;
const GLOBAL_EXPORT = 3;

const PAGE = 65_536;
/** More are slow to start and refused by some hosts; wizer has the same bound. */
const MOST_SEGMENTS = 10_000;
/** What the engine reads of its standard input: the script, and that it is no module. */
const SCRIPT = "app.js";
const STACK = "sitefleet.stack";
/** What an app says once, when all that it does while it starts has ended: what is left waiting would go on for a visitor. */
const READY = "ready\n";

/**
 * @param {Uint8Array} engine The engine's module, such as js-compute's `fastly.wasm`.
 * @param {{ script: Uint8Array, env: Readonly<Record<string, string>>, sdk: readonly [name: string, version: string] }} app
 * @returns {Uint8Array} The app's module.
 */
export function snapshot(engine, { script, env, sdk }) {
  const sections = sectionsOf(engine);
  const { memory, stack } = started(sections, { script, env });
  const segments = segmentsOf(memory);
  const module = sections.map(({ id, body }) => ({ id, body: changed(id, body) }));
  return moduleOf(module);

  /** @param {number} id @param {Uint8Array} body @returns {Uint8Array} */
  function changed(id, body) {
    switch (id) {
      case MEMORY:
        return Uint8Array.from([1, 0, ...unsigned(memory.length / PAGE)]);
      case GLOBAL:
        return Uint8Array.from([1, I32, 1, I32_CONST, ...signed(stack), END]);
      case EXPORT:
        return exportsOf(resumed(exportsIn(body)));
      case DATA_COUNT:
        return Uint8Array.from(unsigned(segments.length));
      case DATA:
        return dataOf(memory, segments);
      case CUSTOM:
        return producedBy(body, sdk);
      default:
        return body;
    }
  }
}

/** Runs the engine until it waits for requests. */
function started(sections, { script, env }) {
  const instrumented = sections.map(({ id, body }) => {
    if (id === GLOBAL && !isOneNumber(body)) throw new Error("this engine keeps more than a stack pointer");
    if (id !== EXPORT) return { id, body };
    return { id, body: exportsOf([...exportsIn(body), { name: STACK, kind: GLOBAL_EXPORT, index: 0 }]) };
  });
  const module = new WebAssembly.Module(moduleOf(instrumented));
  let said = "";
  /** @type {WebAssembly.Instance} */
  let instance;
  const wasi = stillWasi({
    files: new Map([[SCRIPT, script]]),
    input: `${SCRIPT} --legacy-script`,
    env,
    print: (text) => (said += text),
    memory: () => instance.exports["memory"].buffer,
  });
  instance = new WebAssembly.Instance(module, importsOf(module, wasi));
  try {
    instance.exports["_initialize"]();
    instance.exports["wizer.initialize"]();
  } catch (cause) {
    throw new Error(`the app does not start: ${said.trim() || cause.message}`, { cause });
  }
  if (said !== READY) throw new Error(complaint(said.replace(READY, "").trim()));
  const { memory, [STACK]: stack } = instance.exports;
  return { memory: new Uint8Array(memory.buffer), stack: stack.value };
}

/** What is wrong with an app that says something else than that it is ready, such as what a promise was rejected with. */
function complaint(said) {
  return said === ""
    ? "the app waits for something while it starts"
    : `the app complains while it starts: ${said}`;
}

/** Fastly's own functions answer requests only, so that none of them may be called yet. */
function importsOf(module, wasi) {
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = from === "wasi_snapshot_preview1" ? wasi[name] : notYet;
    function notYet() {
      throw new Error(`${from} ${name} was called while the app started`);
    }
  }
  return imports;
}

/** Only what is not zero is kept; gaps are kept too where there would be too many segments. */
function segmentsOf(memory) {
  const words = new Float64Array(memory.buffer, 0, memory.length / 8);
  for (let gap = 1; ; gap *= 2) {
    const segments = [];
    let last = -1 - gap;
    for (let index = 0; index < words.length; index++) {
      // Zero of either sign, and the one that is not zero in all its bits is kept.
      if (words[index] === 0 && !Object.is(words[index], -0)) continue;
      if (index - last > gap) segments.push({ from: index * 8, to: 0 });
      segments[segments.length - 1].to = (index + 1) * 8;
      last = index;
    }
    if (segments.length <= MOST_SEGMENTS) return segments;
  }
}

function dataOf(memory, segments) {
  const parts = [Uint8Array.from(unsigned(segments.length))];
  for (const { from, to } of segments) {
    parts.push(Uint8Array.from([0, I32_CONST, ...signed(from), END, ...unsigned(to - from)]));
    parts.push(memory.subarray(from, to));
  }
  return Buffer.concat(parts);
}

/** Says in the section `producers` what made the module, as js-compute does (tool-conventions, ProducersSection.md). */
function producedBy(body, [name, version]) {
  const reader = readerOf(body);
  if (reader.text() !== "producers") return body;
  const start = reader.at;
  const fields = reader.number();
  return Buffer.concat([
    body.subarray(0, start),
    Uint8Array.from(unsigned(fields + 1)),
    body.subarray(reader.at),
    Uint8Array.from([...named("sdk"), 1, ...named(name), ...named(version)]),
  ]);
}

/** The app begins where its start ended. */
function resumed(entries) {
  return entries.flatMap((entry) => {
    if (entry.name === "wizer.resume") return [{ ...entry, name: "_start" }];
    return entry.name === "wizer.initialize" || entry.name === "_initialize" ? [] : [entry];
  });
}

function exportsIn(body) {
  const reader = readerOf(body);
  const entries = Array.from({ length: reader.number() }, () => ({
    name: reader.text(),
    kind: reader.byte(),
    index: reader.number(),
  }));
  if (!entries.some(({ name, kind }) => name === "memory" && kind === MEMORY_EXPORT)) {
    throw new Error("this engine exports no memory");
  }
  return entries;
}

function exportsOf(entries) {
  const bytes = entries.flatMap(({ name, kind, index }) => [...named(name), kind, ...unsigned(index)]);
  return Uint8Array.from([...unsigned(entries.length), ...bytes]);
}

/** One global, an i32 that changes: the stack pointer of what clang makes. */
function isOneNumber(body) {
  return body[0] === 1 && body[1] === I32 && body[2] === 1 && body[3] === I32_CONST;
}

function sectionsOf(module) {
  const reader = readerOf(module);
  reader.at = 8;
  const sections = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    const length = reader.number();
    sections.push({ id, body: module.subarray(reader.at, (reader.at += length)) });
  }
  return sections;
}

function moduleOf(sections) {
  const parts = sections.flatMap(({ id, body }) => [Uint8Array.from([id, ...unsigned(body.length)]), body]);
  return Buffer.concat([Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), ...parts]);
}

function readerOf(bytes) {
  return {
    at: 0,
    byte() {
      return bytes[this.at++];
    },
    number() {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = this.byte();
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    },
    text() {
      const length = this.number();
      return new TextDecoder().decode(bytes.subarray(this.at, (this.at += length)));
    },
  };
}

function named(name) {
  const bytes = new TextEncoder().encode(name);
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** LEB128 of a signed 32-bit number. */
function signed(value) {
  const bytes = [];
  let rest = value | 0;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 127) | 128);
    rest >>= 7;
  }
  return [...bytes, rest & 127];
}
