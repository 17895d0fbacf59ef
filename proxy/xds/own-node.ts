/** Who this proxy says it is: the bootstrap's node, the program behind it and what that understands. */
import { Node } from '#envoy';

/** `…/envoy.extensions.filters.http.fault.v3.HTTPFault` is `envoy.filters.http.fault` in category `envoy.filters.http`. */
const extensionOf = (typeUrl: string) => {
  const message = typeUrl.replace(/^.*\//, '');
  const name = message.replace('envoy.extensions.', 'envoy.').replace(/\.v\d+\.\w+$/, '');
  return { name, category: name.replace(/\.\w+$/, ''), typeUrls: [message] };
};

const VERSION = { majorNumber: 0, minorNumber: 1, patch: 0 };

/** The node of every first request of a stream, and of `/server_info`. understood: type URLs of filters that a configuration may name. */
export const ownNode = (configured: Node | undefined, understood: readonly string[]): Node => {
  const own = Node.fromPartial({
    userAgentName: 'dinghy',
    userAgentVersionType: { $case: 'userAgentBuildVersion', value: { version: VERSION } },
    extensions: understood.map(extensionOf),
  });
  const { userAgentName, userAgentVersionType, extensions } = own;
  return { ...(configured ?? own), userAgentName, userAgentVersionType, extensions };
};
