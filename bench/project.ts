import { fileURLToPath } from "node:url";

/** The project's root, seen from `build/bench/`, where these files run from. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const TEMPLATES = `${ROOT}templates`;
