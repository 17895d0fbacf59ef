/** Lets requests through, or not, by who sends them and what they ask for. Source: extensions.filters.http.rbac.v3. */
import { inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, HttpRbac, type RBAC, RBACPerRoute } from '#envoy';
import type { Counter, MetricScope } from '#system/metrics.ts';
import type { HttpFilter } from '../http/filter.ts';
import { StreamError } from '../http/stream-error.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';
import { FACTS, requestFacts } from './rbac/facts.ts';
import { compileJudge, type Judge, type Verdict } from './rbac/judge.ts';
import { joined, type Note, noteOf, verdictNote } from './rbac/notes.ts';
import { type RuleScope, ruleScope } from './rbac/rule.ts';

const NAME_SPACE = 'envoy.filters.http.rbac';
const DENIED = 'RBAC: access denied';

/** codeDetails may not contain spaces: Envoy's log fields are separated by them. */
const detailsOf = (policy: string | undefined): string => `rbac_access_denied_matched_policy[${(policy ?? 'none').replaceAll(/\s/g, '_')}]`;

/** Everything that follows from a verdict. */
interface Outcome {
  readonly verdict: Verdict;
  readonly counters: readonly Counter[];
  readonly notes: readonly Note[];
  readonly refusal: StreamError | undefined;
}

/** Where outcomes are counted and noted. listener: whose prefixes name the statistics, also of a route's own rules. (Envoy 1.40) */
interface Place {
  readonly metrics: MetricScope;
  readonly listener: HttpRbac;
  readonly config: HttpRbac;
}

const countersOf = ({ metrics, listener, config }: Place, kind: 'enforced' | 'shadow', { allowed, policy }: Verdict): Counter[] => {
  const [named, word] = kind === 'shadow' ? [listener.shadowRulesStatPrefix, 'shadow_'] : [listener.rulesStatPrefix, ''];
  const prefix = joined(named);
  const field = `${word}${allowed ? 'allowed' : 'denied'}`;
  const total = metrics.counter(`rbac.${prefix}${field}`);
  metrics.counter(`rbac.${prefix}${word}${allowed ? 'denied' : 'allowed'}`);
  if (!config.trackPerRuleStats || policy === undefined) return [total];
  return [total, metrics.counter(`rbac.${prefix}policy.${policy}.${field}`)];
};

const judgeOf = (rules: RBAC | undefined, kind: 'enforced' | 'shadow', place: Place, scope: RuleScope): Judge<Outcome> | undefined => {
  if (!rules) return undefined;
  const { listener, config } = place;
  const prefix =
    kind === 'shadow' ? config.shadowRulesStatPrefix || listener.shadowRulesStatPrefix : config.rulesStatPrefix || listener.rulesStatPrefix;
  return inField(kind === 'shadow' ? 'shadow_rules' : 'rules', () =>
    compileJudge(rules, scope, (verdict) => {
      const hint = verdict.action === 'LOG' && kind === 'enforced';
      return {
        verdict,
        counters: countersOf(place, kind, verdict),
        notes: [
          ...(hint ? [noteOf('envoy.common', { access_log_hint: verdict.policy !== undefined })] : []),
          verdictNote(NAME_SPACE, kind, prefix, verdict),
        ],
        // An intended answer, not a failure of the data path: it carries no response flag.
        refusal: verdict.allowed
          ? undefined
          : new StreamError('UAEX', { status: 403, text: DENIED, codeDetails: detailsOf(verdict.policy), flagged: false }),
      };
    }),
  );
};

const FIELDS = ['rules', 'shadowRules', 'rulesStatPrefix', 'shadowRulesStatPrefix', 'trackPerRuleStats'] as const;

const filterFor = (config: HttpRbac, listener: HttpRbac, { system, statPrefix }: FilterRoom): HttpFilter | undefined => {
  refuseUnsupported(config, { read: FIELDS });
  const place: Place = { metrics: system.metrics.scope('http', statPrefix), listener, config };
  const scope = ruleScope('requests');
  const enforced = judgeOf(config.rules, 'enforced', place, scope);
  const shadow = judgeOf(config.shadowRules, 'shadow', place, ruleScope('requests'));
  if (!enforced && !shadow) return undefined;
  return (request, stream, next) => {
    if (shadow) {
      const { counters, notes } = shadow(request, stream);
      for (const counter of counters) counter.value++;
      for (const note of notes) note(stream);
    }
    if (!enforced) return next(request, stream);
    const { verdict, counters, notes, refusal } = enforced(request, stream);
    for (const counter of counters) counter.value++;
    for (const note of notes) note(stream);
    if (!refusal) return next(request, stream);
    stream.metadata = { ...stream.metadata, [FACTS]: requestFacts(verdict, request, stream, scope) };
    return Promise.reject(refusal.with({}));
  };
};

const ROUTE_URL = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';

const perRoute = (override: Any): HttpRbac | undefined => {
  expectType(override, ROUTE_URL);
  return decodeConfig(override, RBACPerRoute).rbac;
};

/** A route's settings replace the listener's; an empty RBACPerRoute turns the filter off. */
export const rbac: FilterType = {
  overrideUrl: ROUTE_URL,
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
  compile: (any, room) => {
    const config = decodeConfig(any, HttpRbac);
    return filterFor(config, config, room);
  },
  compileRoute: (listener, override, room) => {
    const config = perRoute(override);
    return config && inField('rbac', () => filterFor(config, decodeConfig(listener, HttpRbac), room));
  },
};
