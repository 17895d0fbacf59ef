/** What is wrong between resources, as istioctl analyze says it: the list of analyzers. One message, one file, Istio's codes. */
import type { Problem } from '#api/resource.ts';
import { titleOf } from '../resources/resource.ts';
import type { StoreView } from '../store/config-store.ts';
import { conflictingHosts } from './conflicting-hosts.ts';
import type { Analyzer, Finding } from './finding.ts';
import { hostsNotOnGateway } from './hosts-not-on-gateway.ts';
import { ineffectiveMatches } from './ineffective-matches.ts';
import { missingGateways } from './missing-gateways.ts';
import { missingReferences } from './missing-references.ts';
import { SECURITY_ANALYZERS } from './security/security.ts';
import { trustDomainChanges } from './security/trust-domain-changes.ts';
import { subsetsWithoutPods } from './subsets-without-pods.ts';
import { unknownRuleHosts } from './unknown-rule-hosts.ts';
import { unreachableRules } from './unreachable-rules.ts';

const ANALYZERS: readonly Analyzer[] = [
  missingReferences,
  missingGateways,
  conflictingHosts,
  unreachableRules,
  ineffectiveMatches,
  hostsNotOnGateway,
  subsetsWithoutPods,
  unknownRuleHosts,
  ...SECURITY_ANALYZERS,
];

/** Findings of every analyzer, with the line of the field that they point at. They are warnings: Istio accepts such a configuration too. */
export const analyze = (view: StoreView): readonly Problem[] => ANALYZERS.flatMap((analyzer) => analyzer(view)).map(toProblem);

/** Where workloads are certified, in that trust domain. */
export const analyzeCertified =
  (trustDomain: string): typeof analyze =>
  (view) => [...analyze(view), ...trustDomainChanges(view, trustDomain).map(toProblem)];

const toProblem = ({ about, severity, code, path, message }: Finding): Problem => {
  const { line, column } = about.locate(path, false);
  const { origin } = about;
  return {
    severity,
    code: code ?? '',
    resource: titleOf(about),
    path,
    message,
    file: origin.file,
    line,
    column,
  };
};
