/** Which ports are those of authorizers that are asked over gRPC. Pure. Source: istio.mesh.v1alpha1 EnvoyExternalAuthorizationGrpcProvider. */
import type { ExtensionProvider, MeshService } from './mesh.ts';

/** The same services, with those ports marked. Sidecars here have no HTTP/2 of their own, so whatever the port is called, it is bytes to them. */
export const markAuthorizers = (services: readonly MeshService[], providers: readonly ExtensionProvider[]): readonly MeshService[] => {
  const asked = providers.flatMap(({ envoyExtAuthzGrpc }) => envoyExtAuthzGrpc ?? []);
  if (asked.length === 0) return services;
  const isAsked = ({ namespace, hostname }: MeshService, port: number): boolean =>
    asked.some((one) => one.port === port && (one.service === hostname || one.service === `${namespace}/${hostname}`));
  return services.map((service) =>
    service.ports.some(({ number }) => isAsked(service, number))
      ? {
          ...service,
          ports: service.ports.map((port) =>
            isAsked(service, port.number) ? ({ ...port, protocol: 'tcp', isGrpcAuthorizer: true } as const) : port,
          ),
        }
      : service,
  );
};
