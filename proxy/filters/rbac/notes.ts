/** What judges write into an exchange's metadata, made once for every outcome there can be. */
import type { StreamInfo } from '../../http/stream-info.ts';
import type { Verdict } from './judge.ts';

type Metadata = StreamInfo['metadata'];

/** Writes its fields, beside those that are there. */
export type Note = (stream: Pick<StreamInfo, 'metadata'>) => void;

/** Metadata is replaced, never changed: what stands in the same metadata as last time becomes the same result. */
export const noteOf = (nameSpace: string, fields: Readonly<Record<string, unknown>>): Note => {
  let before: Metadata;
  let after: Metadata = { [nameSpace]: fields };
  return (stream) => {
    if (stream.metadata !== before) {
      before = stream.metadata;
      after = { ...before, [nameSpace]: { ...before?.[nameSpace], ...fields } };
    }
    stream.metadata = after;
  };
};

/** kind `shadow`: the rules are only tried. */
export const verdictNote = (nameSpace: string, kind: 'enforced' | 'shadow', prefix: string, { policy, allowed }: Verdict): Note =>
  noteOf(nameSpace, {
    ...(policy !== undefined && { [`${prefix}${kind}_effective_policy_id`]: policy }),
    [`${prefix}${kind}_engine_result`]: allowed ? 'allowed' : 'denied',
  });

/** A prefix of statistics that has no dot at its end gets one. (Envoy 1.40) */
export const joined = (prefix: string): string => (prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`);
