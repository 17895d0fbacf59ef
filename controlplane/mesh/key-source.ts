/** Where the keys of an issuer come from, when its rule does not have them itself. Pure. */

/** What decides it. */
interface KeyRule {
  readonly issuer?: string;
  readonly jwks?: string;
  readonly jwksUri?: string;
}

/** A key set's address, or an issuer that tells it. */
export interface KeySource {
  /** Under which its keys are found again. */
  readonly id: string;
  readonly kind: 'key set' | 'issuer';
  readonly url: string;
}

/** Undefined: the rule has its keys with it. */
export const keySourceOf = ({ issuer = '', jwks, jwksUri }: KeyRule): KeySource | undefined => {
  if (jwks) return undefined;
  const source = jwksUri ? ({ kind: 'key set', url: jwksUri } as const) : ({ kind: 'issuer', url: issuer } as const);
  return { id: `${source.kind} ${source.url}`, ...source };
};
