/**
 * Lets connections through, or not, by who opens them and where to. Source: extensions.filters.network.rbac.v3.
 * It decides before anybody upstream hears of the connection, and not only at the first byte as Envoy does: where the server speaks first,
 * a client that is to be refused hears nothing.
 */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { NetworkRbac, RBAC } from '#envoy';
import type { Counter, Metrics } from '#system/metrics.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { FACTS, openingFacts } from './facts.ts';
import { compileJudge, type Judge, type Verdict } from './judge.ts';
import { joined, type Note, noteOf, verdictNote } from './notes.ts';
import { ruleScope } from './rule.ts';

/** Undefined: the connection may go on. Otherwise why not, as connection termination details. */
export type ConnectionJudge = (stream: Pick<StreamInfo, 'downstream' | 'metadata'>) => string | undefined;

const NAME_SPACE = 'envoy.filters.network.rbac';

/** There is none, and rules about requests were refused. */
const NO_REQUEST: HttpRequest = {
  ...{ method: '', scheme: 'http', authority: '', path: '' },
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

interface Outcome {
  readonly verdict: Verdict;
  readonly counter: Counter;
  readonly notes: readonly Note[];
}

const notesOf = (kind: 'enforced' | 'shadow', prefix: string, verdict: Verdict): Note[] => {
  if (kind === 'shadow') return [verdictNote(NAME_SPACE, 'shadow', prefix, verdict)];
  return verdict.action === 'LOG' ? [noteOf('envoy.common', { access_log_hint: verdict.policy !== undefined })] : [];
};

/** Throws ConfigError with a path relative to the filter's configuration. */
export const compileNetworkRbac = (config: NetworkRbac, metrics: Metrics): ConnectionJudge => {
  refuseUnsupported(config, { read: ['rules', 'shadowRules', 'shadowRulesStatPrefix', 'statPrefix', 'enforcementType'] });
  if (config.statPrefix === '') throw new ConfigError('stat_prefix', 'must not be empty');
  if (config.enforcementType !== 0) throw new ConfigError('enforcement_type', 'only ONE_TIME_ON_FIRST_BYTE is supported by this proxy');
  const scope = metrics.scope(config.statPrefix.replace(/\.$/, ''));
  const shadowPrefix = joined(config.shadowRulesStatPrefix);
  const counters = {
    enforced: { allowed: scope.counter('rbac.allowed'), denied: scope.counter('rbac.denied') },
    shadow: { allowed: scope.counter(`rbac.${shadowPrefix}shadow_allowed`), denied: scope.counter(`rbac.${shadowPrefix}shadow_denied`) },
  };
  const judgeOf = (rules: RBAC | undefined, kind: 'enforced' | 'shadow'): Judge<Outcome> | undefined => {
    const [field, prefix] = kind === 'shadow' ? ['shadow_rules', config.shadowRulesStatPrefix] : ['rules', ''];
    return (
      rules &&
      inField(field, () =>
        compileJudge(rules, ruleScope('connections'), (verdict) => ({
          verdict,
          counter: counters[kind][verdict.allowed ? 'allowed' : 'denied'],
          notes: notesOf(kind, prefix, verdict),
        })),
      )
    );
  };
  const [enforced, shadow] = [judgeOf(config.rules, 'enforced'), judgeOf(config.shadowRules, 'shadow')];
  return (stream) => {
    const ask = (judge: Judge<Outcome> | undefined): Verdict | undefined => {
      if (!judge) return undefined;
      const { verdict, counter, notes } = judge(NO_REQUEST, stream);
      counter.value++;
      for (const note of notes) note(stream);
      return verdict;
    };
    ask(shadow);
    const verdict = ask(enforced);
    if (!verdict || verdict.allowed) return undefined;
    stream.metadata = { ...stream.metadata, [FACTS]: openingFacts(verdict, stream) };
    return `rbac_access_denied_matched_policy[${(verdict.policy ?? 'none').replaceAll(/\s/g, '_')}]`;
  };
};
