/** Where the keys of an issuer come from, when its rule does not have them itself. Pure. */

/** What decides it. */
interface KeyRule {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
}

/** The address of a key set, or of the issuer that tells it. */
export interface KeySource {
  readonly kind: 'key set' | 'issuer';
  readonly url: string;
}

/** Undefined: the rule has its keys with it. */
export const keySourceOf = ({ issuer = '', jwks, jwksUri }: KeyRule): KeySource | undefined => {
  if (jwks) return undefined;
  return jwksUri ? { kind: 'key set', url: jwksUri } : { kind: 'issuer', url: issuer };
};

/** Under which fetched keys are known. */
export const keySourceId = ({ kind, url }: KeySource): string => `${kind} ${url}`;
