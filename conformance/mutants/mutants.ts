/** Switched-on bugs: one wrong behaviour each, as a change of source text at load time. The case that names a mutant must catch it. */

/** `find` must stand exactly once in `file`. */
export interface Mutant {
  readonly id: string;
  /** The wrong behaviour in words. */
  readonly wrong: string;
  /** Path from the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Every mutant. */
export const MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-CL-TE-ACCEPTED',
    wrong: 'a request with both Content-Length and Transfer-Encoding is read as chunked and forwarded',
    file: 'proxy/codec/head.ts',
    find: 'if (chunked && contentLength !== undefined) throw',
    replace: 'if (false) throw',
  },
  {
    id: 'MUT-HOP-BY-HOP-FORWARDED',
    wrong: 'keep-alive and proxy-connection are forwarded',
    file: 'proxy/codec/head.ts',
    find: "new Set(['connection', 'keep-alive', 'proxy-connection', ",
    replace: "new Set(['connection', ",
  },
  {
    id: 'MUT-LOW-VERSION-ACCEPTED',
    wrong: 'HTTP/1.0 requests are served',
    file: 'proxy/codec/request-head.ts',
    find: "if (version === 'HTTP/1.0') throw",
    replace: "if (version === 'HTTP/1.0') return; throw",
  },
];
