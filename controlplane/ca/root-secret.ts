/** The roots as the secret that every proxy gets, under Istio's name. */
import { Secret } from '#envoy';

/** Name by which listeners and clusters refer to it. */
const NAME = 'ROOTCA';

/** roots: PEM. */
export const rootSecret = (roots: string): Secret =>
  Secret.fromPartial({
    name: NAME,
    type: { $case: 'validationContext', value: { trustedCa: { specifier: { $case: 'inlineString', value: roots } } } },
  });
