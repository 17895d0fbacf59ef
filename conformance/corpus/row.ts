/** What a corpus of hostile requests consists of: bytes, who first got them wrong, and what is right. */

/** How paths are put in order before policies and routes read them: Istio's pathNormalization. */
export type Normalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

/**
 * denied: the policy's 403. passed: the program answers. refused: a 4xx other than 403, before any policy. A list: each of them is right.
 */
export type Verdict = 'denied' | 'passed' | 'refused';

/** One request. */
export interface HostileRow {
  /** `P-01a` */
  readonly id: string;
  /** CVE, RFC section or document. */
  readonly source: string;
  /** Latin-1: every character is a byte. */
  readonly bytes: string;
  readonly verdict: Verdict | readonly Verdict[];
  /** What Envoy 1.40 makes of it, where that is known to be something else. */
  readonly onEnvoy?: Verdict;
  /** What Envoy makes of it under istiod's configuration, where that is something else again. */
  readonly underIstiod?: Verdict;
  /** Where it passes: the target that the program must see. */
  readonly arrivesAs?: string;
}

/** A request head with this target to reviews. */
export const get = (target: string, ...fields: readonly string[]): string =>
  `${[`GET ${target} HTTP/1.1`, 'Host: reviews:9080', ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`;
