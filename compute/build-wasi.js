// The world in which the JavaScript engine starts while the package is built: no clock, no chance and no disk, so that the
// same sources always give the same bytes. Names and layouts: WASI preview 1 (github.com/WebAssembly/WASI, docs/witx).

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NO_ENTRY = 44;
const NOT_SUPPORTED = 58;

const DIRECTORY = 3;
const REGULAR_FILE = 4;
const CHARACTER_DEVICE = 2;

/** The one folder there is. */
const FOLDER = 3;
/** What the monotonic clock moves on by at each look, in nanoseconds: some code waits for it to move. */
const TICK = 1000n;
/** 2024-01-01, in nanoseconds. What reads the date while it starts is no program that can be built ahead. */
const DATE = 1_704_067_200_000_000_000n;

/**
 * @typedef {object} World
 * @property {ReadonlyMap<string, Uint8Array>} files By name in the one folder.
 * @property {string} input What is read from standard input.
 * @property {Readonly<Record<string, string>>} env
 * @property {(text: string) => void} print Gets what is written to standard output and error.
 * @property {() => ArrayBuffer} memory The program's, which may grow.
 */

/** @param {World} world @returns {Record<string, Function>} The module `wasi_snapshot_preview1`. */
export function stillWasi(world) {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const view = () => new DataView(world.memory());
  const bytes = (at, length) => new Uint8Array(world.memory(), at, length);
  const strings = Object.entries(world.env).map(([name, value]) => encoder.encode(`${name}=${value}\0`));
  /** @type {Map<number, { kind: number, content: Uint8Array, at: number }>} */
  const open = new Map([
    [0, { kind: CHARACTER_DEVICE, content: encoder.encode(world.input), at: 0 }],
    [1, { kind: CHARACTER_DEVICE, content: new Uint8Array(), at: 0 }],
    [2, { kind: CHARACTER_DEVICE, content: new Uint8Array(), at: 0 }],
    [FOLDER, { kind: DIRECTORY, content: new Uint8Array(), at: 0 }],
  ]);
  let ticks = 0n;
  let next = FOLDER + 1;
  let seed = 0x9e3779b9;

  /** xorshift32: the engine's hash tables are seeded with it, as they would be with anything that is built in. */
  const chance = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed & 255;
  };
  /** @param {number} list @param {number} count @param {(at: number, length: number) => number} each Says how many bytes it took. */
  const vectors = (list, count, each) => {
    let total = 0;
    for (let index = 0; index < count; index++) {
      const at = view().getUint32(list + 8 * index, true);
      total += each(at, view().getUint32(list + 8 * index + 4, true));
    }
    return total;
  };
  const fileAt = (at, length) => world.files.get(decoder.decode(bytes(at, length)).replace(/^\.\//, ""));
  const unsupported = () => NOT_SUPPORTED;

  return {
    random_get(at, length) {
      bytes(at, length).forEach((_, index, target) => (target[index] = chance()));
      return SUCCESS;
    },
    clock_time_get(clock, _precision, at) {
      ticks += TICK;
      view().setBigUint64(at, clock === 0 ? DATE + ticks : ticks, true);
      return SUCCESS;
    },
    clock_res_get(_clock, at) {
      view().setBigUint64(at, TICK, true);
      return SUCCESS;
    },
    args_sizes_get(count, size) {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return SUCCESS;
    },
    args_get: () => SUCCESS,
    environ_sizes_get(count, size) {
      view().setUint32(count, strings.length, true);
      view().setUint32(
        size,
        strings.reduce((sum, { length }) => sum + length, 0),
        true,
      );
      return SUCCESS;
    },
    environ_get(list, text) {
      let at = text;
      strings.forEach((string, index) => {
        view().setUint32(list + 4 * index, at, true);
        bytes(at, string.length).set(string);
        at += string.length;
      });
      return SUCCESS;
    },
    fd_prestat_get(fd, at) {
      if (fd !== FOLDER) return BAD_DESCRIPTOR;
      view().setUint32(at, 0, true);
      view().setUint32(at + 4, 1, true);
      return SUCCESS;
    },
    fd_prestat_dir_name(fd, at) {
      if (fd !== FOLDER) return BAD_DESCRIPTOR;
      bytes(at, 1)[0] = ".".charCodeAt(0);
      return SUCCESS;
    },
    fd_fdstat_get(fd, at) {
      const file = open.get(fd);
      if (file === undefined) return BAD_DESCRIPTOR;
      bytes(at, 24).fill(0);
      view().setUint8(at, file.kind);
      view().setBigUint64(at + 8, 0xffff_ffff_ffff_ffffn, true);
      view().setBigUint64(at + 16, 0xffff_ffff_ffff_ffffn, true);
      return SUCCESS;
    },
    path_filestat_get(_fd, _flags, path, length, at) {
      const content = fileAt(path, length);
      if (content === undefined) return NO_ENTRY;
      bytes(at, 64).fill(0);
      view().setUint8(at + 16, REGULAR_FILE);
      view().setBigUint64(at + 24, 1n, true);
      view().setBigUint64(at + 32, BigInt(content.length), true);
      return SUCCESS;
    },
    path_open(_fd, _look, path, length, _open, _base, _inheriting, _flags, at) {
      const content = fileAt(path, length);
      if (content === undefined) return NO_ENTRY;
      open.set(next, { kind: REGULAR_FILE, content, at: 0 });
      view().setUint32(at, next++, true);
      return SUCCESS;
    },
    fd_read(fd, list, count, read) {
      const file = open.get(fd);
      if (file === undefined) return BAD_DESCRIPTOR;
      const total = vectors(list, count, (at, length) => {
        const part = file.content.subarray(file.at, file.at + length);
        bytes(at, part.length).set(part);
        file.at += part.length;
        return part.length;
      });
      view().setUint32(read, total, true);
      return SUCCESS;
    },
    fd_seek(fd, offset, whence, at) {
      const file = open.get(fd);
      if (file === undefined || file.kind !== REGULAR_FILE) return BAD_DESCRIPTOR;
      file.at = Number(offset) + ([0, file.at, file.content.length][whence] ?? 0);
      view().setBigUint64(at, BigInt(file.at), true);
      return SUCCESS;
    },
    fd_write(fd, list, count, written) {
      if (fd !== 1 && fd !== 2) return BAD_DESCRIPTOR;
      const total = vectors(list, count, (at, length) => {
        world.print(decoder.decode(bytes(at, length)));
        return length;
      });
      view().setUint32(written, total, true);
      return SUCCESS;
    },
    fd_close: (fd) => (open.delete(fd) ? SUCCESS : BAD_DESCRIPTOR),
    fd_fdstat_set_flags: () => SUCCESS,
    fd_readdir: unsupported,
    path_remove_directory: unsupported,
    path_unlink_file: unsupported,
    poll_oneoff: unsupported,
    proc_exit(code) {
      throw new Error(`the app ended while it started, with code ${code}`);
    },
  };
}
