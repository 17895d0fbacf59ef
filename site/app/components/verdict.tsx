/** Why policies let a request through, or did not: each policy that was asked, each rule, each leaf, and the line of YAML behind the one that failed. */
import { useEffect, useState } from 'preact/hooks';
import type { FieldEdit, Held, Leaf, Story, ToldPolicy, ToldRule } from '#api/story.ts';
import { get, wordsOf } from '../live/api.ts';
import type { ToldVerdict } from '../live/types.ts';
import { WorkloadName } from './version.tsx';
import { RuleLines } from './why.tsx';

const ASK_AGAIN_MS = 300;
const ASK_TIMES = 10;

const MARKS = { held: '✓', failed: '✗', unknown: '?' } as const;
const wordOf = (held: Held): keyof typeof MARKS => (held === null ? 'unknown' : held ? 'held' : 'failed');
const SAID = { held: 'matched', failed: 'did not match', unknown: 'was not recorded' } as const;

const Mark = ({ held }: { held: Held }) => (
  <span class={`verdict-mark ${wordOf(held)}`}>
    <span aria-hidden="true">{MARKS[wordOf(held)]}</span>
    <span class="hidden-text">{SAID[wordOf(held)]}: </span>
  </span>
);

/** `spec.rules[0].from[0].source.principals` → `from source principals`. */
const shortPath = (path: string): string =>
  path
    .replace(/^spec\.rules\[\d+\]\.?/, '')
    .replace(/\[\d+\]/g, '')
    .replaceAll('.', ' ');

const LeafView = ({ leaf: { path, wanted, excludes, actual, held, place } }: { leaf: Leaf }) => (
  <li class={`verdict-leaf ${wordOf(held)}`}>
    <Mark held={held} /> <b>{shortPath(path)}</b> = <code>{actual === '' ? 'none' : actual}</code>, rule wants {excludes ? 'none of ' : ''}
    <code>{wanted.join(' or ')}</code>
    {place === undefined ? null : (
      <span class="muted">
        {' '}
        ({place.file.split('/').at(-1)}:{place.line})
      </span>
    )}
  </li>
);

const RuleView = ({ rule, policy }: { rule: ToldRule; policy: ToldPolicy }) => {
  const failed = rule.leaves.find(({ held }) => held === false);
  return (
    <li>
      <Mark held={rule.held} /> rule <code>{rule.path.replace(/^spec\./, '')}</code>
      <ul>
        {rule.leaves.map((leaf) => (
          <LeafView key={leaf.path} leaf={leaf} />
        ))}
      </ul>
      {failed === undefined && rule.held !== true ? null : (
        <RuleLines resource={`AuthorizationPolicy ${policy.policy}`} field={failed?.path ?? rule.path} />
      )}
    </li>
  );
};

const PolicyView = ({ policy }: { policy: ToldPolicy }) => (
  <li class="verdict-policy">
    <p>
      <Mark held={policy.held} /> <b>{policy.action}</b> <code>{policy.policy}</code>
      {policy.dryRun ? ' (only tried)' : ''}
      {policy.rules.length === 0 ? ': has no rules, so nothing matches it' : ''}
    </p>
    <ul>
      {policy.rules.map((rule) => (
        <RuleView key={rule.path} rule={rule} policy={policy} />
      ))}
    </ul>
  </li>
);

const WORDS: Readonly<Record<FieldEdit['edit'], string>> = {
  add: 'add',
  remove: 'take away',
  'add rule': 'add the rule',
  'remove rule': 'take away the rule',
  'remove policy': 'take away the policy',
};

const EditView = ({ edit: { policy, path, edit, value, place } }: { edit: FieldEdit }) => (
  <li>
    {WORDS[edit]} <code>{value}</code> at <code>{path}</code> of <code>{policy}</code>
    {place === undefined ? '' : ` (${place.file.split('/').at(-1)}:${place.line})`}
  </li>
);

/** As they are asked: CUSTOM, DENY, ALLOW. */
const ORDER = ['CUSTOM', 'DENY', 'ALLOW'];

const inOrder = (policies: readonly ToldPolicy[]): readonly ToldPolicy[] =>
  policies.toSorted((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action));

const TONES: Readonly<Record<Story['verdict'], string>> = { allowed: 'good', denied: 'bad', 'not certain': 'warn' };

const OneVerdict = ({ told: { workload, method, path, status, story } }: { told: ToldVerdict }) => (
  <section class="verdict stack" aria-label={`Verdict of ${workload}`}>
    <p class="row">
      <span class={`chip ${TONES[story.verdict]}`}>{story.verdict}</span>
      <span>
        at <WorkloadName name={workload} />
      </span>
      <span class="mono small">
        {method} {path}
      </span>
      <span class="small muted">answered {status || 'nothing'}</span>
    </p>
    <p>{story.sentence}</p>
    {story.policies.length === 0 ? null : (
      <ul class="verdict-tree">
        {inOrder(story.policies).map((policy) => (
          <PolicyView key={`${policy.action} ${policy.policy}`} policy={policy} />
        ))}
      </ul>
    )}
    {story.change.length === 0 ? null : (
      <div class="notice small">
        <p>
          <b>The smallest change that would let it through</b> (whether it should be is yours to say):
        </p>
        <ul>
          {story.change.map((edit) => (
            <EditView key={`${edit.policy} ${edit.path} ${edit.value}`} edit={edit} />
          ))}
        </ul>
      </div>
    )}
  </section>
);

/** The callee's proxy may tell a moment after the caller's. */
const useVerdicts = (requestId: string): { readonly told: readonly ToldVerdict[]; readonly error: string } => {
  const [told, setTold] = useState<readonly ToldVerdict[]>([]);
  const [error, setError] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    setTold([]);
    setError('');
    const ask = (left: number): void => {
      get<readonly ToldVerdict[]>(`/why/${encodeURIComponent(requestId)}`).then(setTold, (problem) => {
        if (left === 0) setError(wordsOf(problem));
        else timer = setTimeout(() => ask(left - 1), ASK_AGAIN_MS);
      });
    };
    if (requestId !== '') ask(ASK_TIMES);
    return () => clearTimeout(timer);
  }, [requestId]);
  return { told, error };
};

/** Refusals first; where there are none, the first that was asked. only: that workload's verdict alone. */
export const Verdicts = ({ requestId, only }: { requestId: string; only?: string }) => {
  const { told, error } = useVerdicts(requestId);
  const mine = only === undefined ? told : told.filter(({ workload }) => workload === only);
  const refused = mine.filter(({ story, status }) => story.verdict === 'denied' || status === 403 || status === 401);
  const shown = refused.length > 0 ? refused : mine.slice(0, 1);
  return (
    <div class="stack" aria-live="polite">
      {error === '' ? null : <p class="small muted">{error}</p>}
      {shown.map((one) => (
        <OneVerdict key={`${one.workload} ${one.path}`} told={one} />
      ))}
    </div>
  );
};
