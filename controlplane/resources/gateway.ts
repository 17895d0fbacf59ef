/** Gateway: which ports and hosts an ingress gateway opens. Source: istio.io/api networking/v1 gateway.proto. */
import { anything, int, listOf, mapOf, object, str } from './shape.ts';

const server = object({
  port: object({ number: int, name: str, protocol: str, targetPort: int }),
  hosts: listOf(str),
  tls: anything,
  bind: str,
  name: str,
  defaultEndpoint: str,
});

/** The fields that a Gateway's spec may have. */
export const gatewayShape = object({ selector: mapOf(str), servers: listOf(server) });

/** A Gateway as people write it. */
export type GatewaySpec = ReturnType<typeof gatewayShape.typeOf>;
/** One port of a gateway. */
export type GatewayServer = NonNullable<GatewaySpec['servers']>[number];
