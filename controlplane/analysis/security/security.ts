/** The analyzers of policies. */
import type { Analyzer } from '../finding.ts';
import { allowingPolicies } from './allowing-policies.ts';
import { bareHosts } from './bare-hosts.ts';
import { exactDenials } from './exact-denials.ts';
import { identityWithoutMtls } from './identity-without-mtls.ts';
import { plainAgainstStrict } from './plain-against-strict.ts';
import { requestsOnTcp } from './requests-on-tcp.ts';
import { rivalPeerPolicies } from './rival-peer-policies.ts';
import { targetsWithoutEffect } from './targets-without-effect.ts';
import { tokensNotRequired } from './tokens-not-required.ts';
import { unmatchedSelectors } from './unmatched-selectors.ts';

/** In the order in which they are told. */
export const SECURITY_ANALYZERS: readonly Analyzer[] = [
  unmatchedSelectors,
  targetsWithoutEffect,
  rivalPeerPolicies,
  plainAgainstStrict,
  identityWithoutMtls,
  exactDenials,
  bareHosts,
  requestsOnTcp,
  tokensNotRequired,
  allowingPolicies,
];
