/** Why a policy let a request through, or did not: what the control plane tells, and people and pages read. */

/** What is known of one call. A field that is absent was not recorded. */
export interface CallFacts {
  /** `spiffe://…` of the caller; empty: it proved none. */
  readonly principal?: string;
  /** Who was at the other end of the connection. */
  readonly sourceIp?: string;
  /** Who the client is, x-forwarded-for included. */
  readonly remoteIp?: string;
  readonly destinationIp?: string;
  readonly port?: number;
  readonly serverName?: string;
  /** Absent of a connection that carries no requests. */
  readonly method?: string;
  /** Without query. */
  readonly path?: string;
  readonly host?: string;
  /** By lower-case name; no values: there was none; `present`: its value is a secret. */
  readonly headers?: Readonly<Record<string, readonly string[] | 'present'>>;
  /** Of the verified token, by keys joined with `][`; null: there was none. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Connections without requests cannot be asked about requests. */
  readonly transport: 'http' | 'tcp';
  /** Why the proxy answered itself, as its log says it (`jwt_authn_access_denied{…}`, `ext_authz_denied`); `via_upstream`: it did not. */
  readonly details?: string;
  /** Which kind of rules refused it, where a proxy said so: then those that are asked before did not match. */
  readonly refusedBy?: 'ALLOW' | 'DENY';
}

/** true held, false failed, null: what it asks about was not recorded. */
export type Held = boolean | null;

/** One condition of a rule. */
export interface Leaf {
  /** `spec.rules[0].from[0].source.principals` */
  readonly path: string;
  readonly wanted: readonly string[];
  /** True of the `not…` fields: none of the values is wanted. */
  readonly excludes: boolean;
  readonly actual: string;
  readonly held: Held;
  /** Where it stands in its file; absent for what was not read from one. */
  readonly place?: { readonly file: string; readonly line: number };
}

/** One rule of a policy; its entries of `from` and `to` are alternatives, its conditions all count. */
export interface ToldRule {
  readonly path: string;
  readonly held: Held;
  readonly leaves: readonly Leaf[];
}

/** One policy in force. */
export interface ToldPolicy {
  /** `default/reviews` */
  readonly policy: string;
  readonly action: string;
  /** Only tried: its verdict is counted, not enforced. */
  readonly dryRun: boolean;
  readonly held: Held;
  readonly rules: readonly ToldRule[];
}

/** An edit of one field. */
export interface FieldEdit {
  readonly policy: string;
  readonly path: string;
  readonly edit: 'add' | 'remove' | 'add rule' | 'remove rule' | 'remove policy';
  readonly value: string;
  readonly place?: { readonly file: string; readonly line: number };
}

/** The whole story. */
export interface Story {
  readonly verdict: 'allowed' | 'denied' | 'not certain';
  /** `default/reviews spec.rules[0]`; empty: no policy matched. */
  readonly decidedBy: string;
  readonly sentence: string;
  /** The fewest edits that would let the call through; empty where no edit of a policy would, or none is needed. */
  readonly change: readonly FieldEdit[];
  readonly policies: readonly ToldPolicy[];
  /** What would be if the policies that are only tried were enforced; absent where there are none. */
  readonly dryRun?: Story['verdict'];
}
