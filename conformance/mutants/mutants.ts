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
    id: 'MUT-ACK-BEFORE-APPLY',
    wrong: 'routes are acknowledged first and taken into use 50 ms later',
    file: 'proxy/xds/ads-client.ts',
    find: 'const refusal = this.#options.take(kind, response);',
    replace:
      "const late = () => void this.#options.take(kind, response); const refusal = kind === 'rds' ? (setTimeout(late, 50), '') : this.#options.take(kind, response);",
  },
  {
    id: 'MUT-ATTEMPTS-ARE-TRIES',
    wrong: 'retries.attempts counts the first try too',
    file: 'controlplane/translate/route-action.ts',
    find: 'numRetries: retries.attempts,',
    replace: 'numRetries: (retries.attempts ?? 0) - 1,',
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
    id: 'MUT-LAST-MATCH-WINS',
    wrong: 'the last rule that matches wins',
    file: 'controlplane/translate/routes.ts',
    find: '(spec.http ?? []).entries()',
    replace: '(spec.http ?? []).toReversed().entries()',
  },
  {
    id: 'MUT-LOW-VERSION-ACCEPTED',
    wrong: 'HTTP/1.0 requests are served',
    file: 'proxy/codec/request-head.ts',
    find: "if (version === 'HTTP/1.0') throw",
    replace: "if (version === 'HTTP/1.0') return; throw",
  },
  {
    id: 'MUT-MESH-AT-GATEWAY',
    wrong: 'a VirtualService without gateways applies at every gateway',
    file: 'controlplane/translate/routes.ts',
    find: ": ['mesh'];",
    replace: ": ['mesh', gateway];",
  },
  {
    id: 'MUT-NACK-AS-ACK',
    wrong: 'a refusal counts as an acknowledgement',
    file: 'controlplane/xds/session.ts',
    find: 'takeAnswer(channel, request.errorDetail);',
    replace: 'takeAnswer(channel, undefined);',
  },
  {
    id: 'MUT-NO-RETRY',
    wrong: 'nothing is tried again',
    file: 'proxy/router/retry.ts',
    find: '!covers(outcome)',
    replace: 'true',
  },
  {
    id: 'MUT-NO-ROUTE-FALLS-THROUGH',
    wrong: 'a request that no rule matches goes to the service all the same',
    file: 'controlplane/translate/routes.ts',
    find: 'routesOf(view, virtualService, port) :',
    replace: '[...routesOf(view, virtualService, port), defaultRoute(hostname, port)] :',
  },
  {
    id: 'MUT-NONCE-REUSED',
    wrong: 'every response of a stream has the same nonce',
    file: 'controlplane/xds/session.ts',
    find: 'channel.nonce = String(++this.#nonces);',
    replace: "channel.nonce = '1';",
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
    id: 'MUT-SHORT-NAMES-MISSING',
    wrong: 'only the bare and the full name of a service lead to its virtual host',
    file: 'controlplane/mesh/hostnames.ts',
    find: 'return [hostname, ...own, ',
    replace: 'return [hostname, ...own]; return [',
  },
  {
    id: 'MUT-SUBSET-LABELS-IGNORED',
    wrong: 'a subset has all endpoints of its service',
    file: 'controlplane/translate/endpoints.ts',
    find: 'Object.keys(subset).length === 0 ||',
    replace: 'true ||',
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
