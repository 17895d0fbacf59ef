/**
 * What a learner writes for Kubernetes → what an istiod without Kubernetes reads from files. Pure.
 * Services become ServiceEntries that select the same workloads; the ConfigMap `istio` becomes the mesh's configuration; what only Kubernetes has is refused.
 */
import { parse, parseAllDocuments } from 'yaml';

/** A document as JSON. */
export interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** One change, as istiod takes it. meshConfig: absent when the change says nothing of it. */
export interface IstiodChange {
  readonly documents: readonly Document[];
  readonly meshConfig?: Readonly<Record<string, unknown>>;
  /** Kinds that an istiod without Kubernetes does not read. */
  readonly unread: readonly string[];
}

const READ = /^(networking|security|telemetry)\.istio\.io\//;
const ROOT_NAMESPACE = 'istio-system';
/** Istio's names, as prefixes of a port's name. */
const PROTOCOLS = /^(https|http2|http|grpc|tcp|tls)(-|$)/;

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number;
  readonly appProtocol?: string;
}

/** A port without a protocol in its name would be sniffed by istiod; a ServiceEntry has no word for that, so it is bytes. */
const protocolOf = ({ name = '', appProtocol = '' }: ServicePort): string =>
  (PROTOCOLS.exec(appProtocol) ?? PROTOCOLS.exec(name))?.[1]?.toUpperCase() ?? 'TCP';

/** The same workloads under the same name. */
const serviceEntryOf = ({ metadata, spec }: Document): Document => {
  const { selector, ports = [] } = spec as { readonly selector?: Record<string, string>; readonly ports?: readonly ServicePort[] };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { ...metadata, name: `service-${metadata.name}` },
    spec: {
      hosts: [`${metadata.name}.${metadata.namespace}.svc.cluster.local`],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: ports.map((port) => ({
        number: port.port,
        name: port.name ?? `tcp-${port.port}`,
        protocol: protocolOf(port),
        targetPort: port.targetPort ?? port.port,
      })),
      ...(selector && { workloadSelector: { labels: selector } }),
    },
  };
};

const withNamespace = (value: Document): Document => ({
  ...value,
  metadata: { ...value.metadata, namespace: value.metadata.namespace ?? 'default' },
});

/** As Istio's allocation of addresses does in Kubernetes: without an address of its own a host of bytes is not told from another on the same port. */
const withAddress = (document: Document, vipOf: (host: string) => string): Document => {
  const {
    hosts = [],
    addresses = [],
    ...rest
  } = document.spec as { readonly hosts?: readonly string[]; readonly addresses?: readonly string[] };
  const [host, ...others] = hosts;
  if (host === undefined || others.length > 0 || addresses.length > 0 || host.startsWith('*')) return document;
  return { ...document, spec: { ...rest, hosts, addresses: [vipOf(host)] } };
};

/** vipOf: the address that stands for that host, the same each time. Throws what is no YAML. */
export const toIstiod = (yaml: string, vipOf: (host: string) => string): IstiodChange => {
  const documents: Document[] = [];
  const unread: string[] = [];
  let meshConfig: Record<string, unknown> | undefined;
  for (const parsed of parseAllDocuments(yaml)) {
    const [error] = parsed.errors;
    if (error) throw error;
    const value = parsed.toJS() as Document | null;
    if (value === null) continue;
    const document = withNamespace(value);
    const { kind, apiVersion, metadata } = document;
    if (kind === 'Service') documents.push(withAddress(serviceEntryOf(document), vipOf));
    else if (kind === 'ConfigMap' && metadata.name === 'istio' && metadata.namespace === ROOT_NAMESPACE)
      meshConfig = (parse((document.data as Record<string, string>).mesh ?? '') ?? {}) as Record<string, unknown>;
    else if (kind === 'ServiceEntry') documents.push(withAddress(document, vipOf));
    else if (READ.test(apiVersion)) documents.push(document);
    else unread.push(`${kind} ${metadata.namespace}/${metadata.name}`);
  }
  return { documents, unread, ...(meshConfig && { meshConfig }) };
};
