/** Switched-on bugs of the proxy. */
import type { Mutant } from './mutants.ts';

/** In the order of their names. */
export const DATA_PLANE_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-ACK-BEFORE-APPLY',
    wrong: 'routes are acknowledged first and taken into use 50 ms later',
    file: 'proxy/xds/ads-client.ts',
    find: 'const refusal = this.#options.take(kind, response);',
    replace:
      "const late = () => void this.#options.take(kind, response); const refusal = kind === 'rds' ? (setTimeout(late, 50), '') : this.#options.take(kind, response);",
  },
  {
    id: 'MUT-AND-AS-OR',
    wrong: 'one condition of a match block is enough',
    file: 'proxy/routing/match.ts',
    find: 'for (const test of tests) if (!test(request)) return false;\n    return true;',
    replace: 'for (const test of tests) if (test(request)) return true;\n    return false;',
  },
  {
    id: 'MUT-CL-TE-ACCEPTED',
    wrong: 'a request with both Content-Length and Transfer-Encoding is read as chunked and forwarded',
    file: 'proxy/codec/head.ts',
    find: 'if (chunked && contentLength !== undefined) throw',
    replace: 'if (false) throw',
  },
  {
    id: 'MUT-EXACT-AS-PREFIX',
    wrong: 'exact matches whatever begins with the text',
    file: 'proxy/http/string-match.ts',
    find: '(text) => text === wanted',
    replace: '(text) => text.startsWith(wanted)',
  },
  {
    id: 'MUT-FAULT-NEVER',
    wrong: 'no request is aborted',
    file: 'proxy/filters/fault.ts',
    find: 'if (abort && random.chance(',
    replace: 'if (false && random.chance(',
  },
  {
    id: 'MUT-HOP-BY-HOP-FORWARDED',
    wrong: 'keep-alive and proxy-connection are forwarded',
    file: 'proxy/codec/head.ts',
    find: "new Set(['connection', 'keep-alive', 'proxy-connection', ",
    replace: "new Set(['connection', ",
  },
  {
    id: 'MUT-HOST-CASE-COUNTS',
    wrong: 'the case of the Host header counts',
    file: 'proxy/routing/virtual-hosts.ts',
    find: 'const lower = authority.toLowerCase();',
    replace: 'const lower = authority;',
  },
  {
    id: 'MUT-LOW-VERSION-ACCEPTED',
    wrong: 'HTTP/1.0 requests are served',
    file: 'proxy/codec/request-head.ts',
    find: "if (version !== 'HTTP/1.1') throw",
    replace: "if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') throw",
  },
  {
    id: 'MUT-NO-RETRY',
    wrong: 'nothing is tried again',
    file: 'proxy/router/retry.ts',
    find: '!covers(outcome)',
    replace: 'true',
  },
  {
    id: 'MUT-QUERY-IN-PATH',
    wrong: 'the query is part of the path that rules match',
    file: 'proxy/routing/route-table.ts',
    find: 'pathOf(request.path)',
    replace: 'request.path',
  },
  {
    id: 'MUT-REGEX-UNANCHORED',
    wrong: 'a regex matches a part of the value',
    file: 'proxy/http/string-match.ts',
    find: 'native.test(text)',
    replace: 'new RegExp(matcher.regex).test(text)',
  },
  {
    id: 'MUT-STALE-ENDPOINT-KEPT',
    wrong: 'new endpoints count only when there are more of them',
    file: 'proxy/upstream/cluster.ts',
    find: 'this.#setEndpoints(compiled.endpoints);',
    replace:
      'if (this.#priorities.length === 0 || compiled.endpoints.priorities.flat().flatMap((l) => l.endpoints).length > this.#hosts.size) this.#setEndpoints(compiled.endpoints);',
  },
  {
    id: 'MUT-TIMEOUT-IGNORED',
    wrong: 'the timeout of a route never ends a request',
    file: 'proxy/router/timeout.ts',
    find: 'if (ms === 0) return next(',
    replace: 'if (true) return next(',
  },
  {
    id: 'MUT-WEIGHTS-EQUAL',
    wrong: 'every target is drawn equally often',
    file: 'proxy/routing/traffic-split.ts',
    find: 'let point = random.below(total);',
    replace: 'return drawn[random.below(drawn.length)] ?? last; let point = 0;',
  },
];
