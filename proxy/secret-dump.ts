/** What the admin pages show of secrets: which are used, which are waited for, and no key. */
import { Secret } from '#envoy';
import type { DumpedResource } from './admin/view.ts';
import { type ArrivalNotes, MESSAGE_NAMES } from './config/dump-resources.ts';
import { protoJsonAny } from './config/proto-json.ts';
import type { UsedSecret } from './proxy-secrets.ts';

/** When they came; `arrived` are those of the ADS stream. */
export interface SecretArrivals {
  readonly notes: ArrivalNotes;
  readonly arrived: ReadonlyMap<string, Secret>;
}

/** One that has not arrived has its name alone. */
export const dumpSecrets = ({ all }: { readonly all: readonly UsedSecret[] }, { notes, arrived }: SecretArrivals): DumpedResource[] =>
  all.map(({ ref, current }) => ({
    name: ref.name,
    isStatic: ref.source.kind === 'static',
    warming: current === undefined,
    json: () => protoJsonAny(messageOf(ref.name, current), MESSAGE_NAMES.sds),
    ...notes.of((ref.source.kind === 'ads' && arrived.get(ref.name)) || current || ref),
  }));

const bytes = (text: string) => ({ specifier: { $case: 'inlineBytes' as const, value: Buffer.from(text) } });

const messageOf = (name: string, current: UsedSecret['current']): Secret => {
  if (!current) return Secret.fromPartial({ name });
  if ('trustedRoots' in current)
    return Secret.fromPartial({ name, type: { $case: 'validationContext', value: { trustedCa: bytes(current.trustedRoots) } } });
  const { certificateChain } = current;
  // The key itself goes nowhere; its place says that there is one.
  return Secret.fromPartial({
    name,
    type: { $case: 'tlsCertificate', value: { certificateChain: bytes(certificateChain), privateKey: bytes('[redacted]') } },
  });
};
