#!/usr/bin/env node
import { createRequire } from "node:module";

// CommonJS from here on: an ES module that imports `node:crypto` makes Node load all that it might be asked for.
createRequire(import.meta.url)("./program/start.cjs");
