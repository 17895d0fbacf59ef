/** A policy attached by name to something that no proxy here is: only gateways are, waypoints are not part of this mesh. */
import { targetsOf } from '../../mesh/effective-policy.ts';
import type { StoreView } from '../../store/config-store.ts';
import type { Finding } from '../finding.ts';

const isGateway = ({ group = '', kind = '' }): boolean => group === 'gateway.networking.k8s.io' && kind === 'Gateway';

/** One finding a target: the policy has no effect for it. */
export const targetsWithoutEffect = (view: StoreView): readonly Finding[] =>
  (['AuthorizationPolicy', 'RequestAuthentication'] as const).flatMap((kind) =>
    view.of(kind).flatMap(({ resource }) => {
      const field = resource.spec.targetRefs?.length ? 'targetRefs' : 'targetRef';
      return targetsOf(resource.spec).flatMap((target, index): Finding[] => {
        if (isGateway(target)) return [];
        const path = field === 'targetRef' ? 'spec.targetRef' : `spec.targetRefs[${index}]`;
        const message = `a policy for a ${target.kind || 'target without a kind'} is enforced by waypoint proxies only, and there are none: it has no effect; use a selector`;
        return [{ severity: 'warning', path, message, about: resource }];
      });
    }),
  );
