/** Lets requests through, or not, by who sends them and what they ask for. Source: extensions.filters.http.rbac.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, HttpRbac, type RBAC, RBACPerRoute } from '#envoy';
import type { MetricScope } from '#system/metrics.ts';
import type { HttpFilter } from '../http/filter.ts';
import type { HttpRequest } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';
import { compileRules } from './rbac-rules.ts';

const ACTION = { allow: 0, deny: 1, log: 2 } as const;

interface Verdict {
  readonly allowed: boolean;
  readonly policy: string | undefined;
}

type Judge = (request: HttpRequest, stream: StreamInfo) => Verdict;

/** Undefined when the rules never deny. */
const compileJudge = (rules: RBAC): Judge | undefined => {
  const matching = compileRules(rules);
  switch (rules.action) {
    case ACTION.allow:
      return (request, stream) => {
        const policy = matching(request, stream);
        return { allowed: policy !== undefined, policy };
      };
    case ACTION.deny:
      if (Object.keys(rules.policies).length === 0) return undefined;
      return (request, stream) => {
        const policy = matching(request, stream);
        return { allowed: policy === undefined, policy };
      };
    case ACTION.log:
      return undefined;
    default:
      throw new ConfigError('action', `unknown value ${rules.action}`);
  }
};

/** codeDetails may not contain spaces: Envoy's log fields are separated by them. */
const detailsOf = (policy: string | undefined): string => `rbac_access_denied_matched_policy[${(policy ?? 'none').replaceAll(/\s/g, '_')}]`;

/** Where verdicts are counted: also of a route's own rules under the listener's prefix. (Envoy 1.40) */
interface Tally {
  count(verdict: Verdict): void;
}

const tallyOf = (scope: MetricScope, prefix: string, kind: '' | 'shadow_', perRule: boolean): Tally => {
  const [allowed, denied] = [scope.counter(`rbac.${prefix}${kind}allowed`), scope.counter(`rbac.${prefix}${kind}denied`)];
  return {
    count: (verdict) => {
      (verdict.allowed ? allowed : denied).value++;
      if (!perRule || verdict.policy === undefined) return;
      scope.counter(`rbac.${prefix}policy.${verdict.policy}.${kind}${verdict.allowed ? 'allowed' : 'denied'}`).value++;
    },
  };
};

/** listener: whose prefixes name the statistics. */
const filterFor = (config: HttpRbac, listener: HttpRbac, { system, statPrefix }: FilterRoom): HttpFilter | undefined => {
  refuseUnsupported(config, { read: ['rules', 'shadowRules', 'rulesStatPrefix', 'shadowRulesStatPrefix', 'trackPerRuleStats'] });
  const { rules, shadowRules, trackPerRuleStats: perRule } = config;
  const judge = rules && inField('rules', () => compileJudge(rules));
  const shadow = shadowRules && inField('shadow_rules', () => compileJudge(shadowRules));
  if (!judge && !shadow) return undefined;
  const scope = system.metrics.scope('http', statPrefix);
  const own = tallyOf(scope, listener.rulesStatPrefix, '', perRule);
  const rehearsed = tallyOf(scope, listener.shadowRulesStatPrefix, 'shadow_', perRule);
  return (request, stream, next) => {
    if (shadow) rehearsed.count(shadow(request, stream));
    if (!judge) return next(request, stream);
    const verdict = judge(request, stream);
    own.count(verdict);
    if (verdict.allowed) return next(request, stream);
    // An intended answer, not a failure of the data path: it carries no response flag.
    return Promise.reject(new StreamError('UAEX', { status: 403, text: DENIED, codeDetails: detailsOf(verdict.policy), flagged: false }));
  };
};

const DENIED = 'RBAC: access denied';

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
