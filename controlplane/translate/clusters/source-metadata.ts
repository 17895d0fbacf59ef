/** Where a cluster came from, for whoever asks why. Pure. */
import type { Metadata } from '#envoy';
import type { RuleSource } from '../subsets.ts';

/** Which rule made it so. Without the rule's generation: it would make all clusters of the host new when one of them changes. */
export const sourceMetadata = ({ namespace, name, fieldPath }: RuleSource, subset?: string): Metadata => ({
  filterMetadata: {
    istio: {
      config: `/apis/networking.istio.io/v1/namespaces/${namespace}/destination-rule/${name}`,
      ...(subset && { subset }),
    },
    'dinghy.source': { resource: `DestinationRule ${namespace}/${name}`, fieldPath },
  },
  typedFilterMetadata: {},
});
