/** All cases, in the order in which they run. */
import type { ConformanceCase } from '../define-case.ts';
import { bookinfoBalancing } from './balancing/bookinfo-balancing.ts';
import { hashedKeys, hashedPlaces } from './balancing/consistent-hash.ts';
import { localities } from './balancing/localities.ts';
import { algorithms, passthrough } from './balancing/policies.ts';
import { entries, kubernetesServices } from './discovery/services.ts';
import { unknownHosts } from './discovery/unknown-hosts.ts';
import { gateway } from './gateway/gateway.ts';
import { gatewayHosts, gatewayRoutes } from './gateway/hosts.ts';
import { admin } from './operations/admin.ts';
import { changes } from './operations/changes.ts';
import { framing, pooling } from './protocol/framing.ts';
import { bodies, fields, interim } from './protocol/messages.ts';
import { paths } from './protocol/paths.ts';
import { proxyHeaders } from './protocol/proxy-headers.ts';
import { boundaries, refusals } from './protocol/refusals.ts';
import { readings, strictness } from './protocol/strictness.ts';
import { bookinfoResilience } from './resilience/bookinfo-resilience.ts';
import { breakersAndRetries, heldLimits } from './resilience/breakers.ts';
import { connectionLives } from './resilience/connections.ts';
import { ejectionShares, strikes, strikesOfAllKinds } from './resilience/ejection.ts';
import { ejectionTimes } from './resilience/ejection-time.ts';
import { brokenExchanges, localReplies, retries, timeouts } from './resilience/failures.ts';
import { faults } from './resilience/faults.ts';
import { httpChecks, otherChecks } from './resilience/health-checks.ts';
import { limits } from './resilience/limits.ts';
import { moreFaults } from './resilience/more-faults.ts';
import { retryConditions } from './resilience/retry-conditions.ts';
import { retryKinds, retryTimes } from './resilience/retry-limits.ts';
import { statistics } from './resilience/statistics.ts';
import { silences, timeoutsOfRoutes } from './resilience/timeouts.ts';
import { headerEdits, ownAnswers, rewrites } from './routing/actions.ts';
import { cors, mirrors } from './routing/beside.ts';
import { byteRoutes } from './routing/bytes.ts';
import { copies } from './routing/copies.ts';
import { headerMatch } from './routing/header-match.ts';
import { moreActions, moreOrigins } from './routing/more-actions.ts';
import { namespaces } from './routing/namespaces.ts';
import { policies } from './routing/policies.ts';
import { destinationRulePrecedence, virtualServicePrecedence } from './routing/precedence.ts';
import { rateLimits } from './routing/rate-limit.ts';
import { conditions, requestMatch, ruleOrder } from './routing/request-match.ts';
import { hostForms, subsets } from './routing/subsets.ts';
import { twoProxies } from './routing/two-proxies.ts';
import { weights } from './routing/weights.ts';
import { authorizationActions } from './security/actions.ts';
import { bookinfoMutualTls } from './security/bookinfo-mtls.ts';
import { bookinfoPolicies } from './security/bookinfo-policies.ts';
import { externalAuthorization } from './security/external.ts';
import { hostileRequests } from './security/hostile.ts';
import { mutualTlsIdentities } from './security/mtls-identity.ts';
import { mutualTlsModes } from './security/mtls-modes.ts';
import { authorizationOperations } from './security/operations.ts';
import { rotation } from './security/rotation.ts';
import { seedSecurity } from './security/seed-security.ts';
import { authorizationSources } from './security/sources.ts';
import { tcpSecurity } from './security/tcp.ts';
import { requestTokens } from './security/tokens.ts';
import { apply } from './xds/apply.ts';
import { xdsOrdering, xdsWorkloads } from './xds/ordering.ts';
import { xdsProtocol } from './xds/protocol.ts';

/** Every case once. */
export const catalogue: readonly ConformanceCase[] = [
  ...headerMatch,
  ...requestMatch,
  ...conditions,
  ...ruleOrder,
  ...twoProxies,
  ...weights,
  ...subsets,
  ...hostForms,
  ...namespaces,
  ...virtualServicePrecedence,
  ...destinationRulePrecedence,
  ...policies,
  ...algorithms,
  ...passthrough,
  ...hashedKeys,
  ...hashedPlaces,
  ...localities,
  ...rewrites,
  ...ownAnswers,
  ...headerEdits,
  ...mirrors,
  ...copies,
  ...cors,
  ...moreActions,
  ...moreOrigins,
  ...byteRoutes,
  ...rateLimits,
  ...kubernetesServices,
  ...entries,
  ...unknownHosts,
  ...gateway,
  ...gatewayHosts,
  ...gatewayRoutes,
  ...framing,
  ...strictness,
  ...refusals,
  ...boundaries,
  ...paths,
  ...pooling,
  ...bodies,
  ...interim,
  ...fields,
  ...readings,
  ...proxyHeaders,
  ...localReplies,
  ...brokenExchanges,
  ...retries,
  ...retryConditions,
  ...retryKinds,
  ...retryTimes,
  ...timeouts,
  ...timeoutsOfRoutes,
  ...silences,
  ...faults,
  ...moreFaults,
  ...statistics,
  ...limits,
  ...connectionLives,
  ...heldLimits,
  ...breakersAndRetries,
  ...strikes,
  ...ejectionShares,
  ...strikesOfAllKinds,
  ...ejectionTimes,
  ...httpChecks,
  ...otherChecks,
  ...bookinfoResilience,
  ...bookinfoBalancing,
  ...authorizationActions,
  ...authorizationSources,
  ...authorizationOperations,
  ...bookinfoPolicies,
  ...bookinfoMutualTls,
  ...hostileRequests,
  ...requestTokens,
  ...mutualTlsModes,
  ...mutualTlsIdentities,
  ...seedSecurity,
  ...tcpSecurity,
  ...externalAuthorization,
  ...rotation,
  ...xdsProtocol,
  ...xdsOrdering,
  ...xdsWorkloads,
  ...apply,
  ...changes,
  ...admin,
];
