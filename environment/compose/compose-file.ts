/** A mesh → the compose file that runs it. Pure. In the subset that the old docker-compose and the docker compose plugin both take. */
import type { ComposeSpecification } from 'docker-compose';
import { stringify } from 'yaml';
import { ADMIN_PORT, type Seat } from '../seats.ts';
import { SIDECAR_UID } from './redirect-rules.ts';

/** Where containers find the files of the run folder. */
const FILES = '/etc/dinghy';

/** Bootstrap of a proxy, in its container. */
export const BOOTSTRAP_FILE = `${FILES}/bootstrap.json`;

/** Who a proxy is, in its container: a folder, so that a file that is replaced is seen. */
export const IDENTITY_FOLDER = `${FILES}/identity`;

const SOCKETS = '/run/dinghy';

/** Where an agent serves its workload's certificate. */
export const SDS_SOCKET = `${SOCKETS}/sds`;

/** A port of a container that this machine reaches on 127.0.0.1. */
export interface PublishedPort {
  readonly host: number;
  readonly container: number;
}

/** What the file says. */
export interface ComposedMesh {
  readonly name: string;
  readonly subnet: string;
  readonly seats: readonly Seat[];
  readonly controlPlane: {
    readonly address: string;
    readonly command: readonly string[];
    readonly token: string;
    readonly ports: readonly PublishedPort[];
  };
  /** image: `proxy` or `envoy`. */
  readonly proxy: {
    readonly image: string;
    /** Of the workload or gateway of that name. */
    readonly command: (name: string) => readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** By workload or gateway: the command of the agent that gets its proxy's certificates; empty: the proxy does that itself. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  /** By workload or gateway. */
  readonly ports: Readonly<Record<string, readonly PublishedPort[]>>;
}

type Service = NonNullable<ComposeSpecification['services']>[string];
type Condition = 'service_started' | 'service_completed_successfully';

/** Name of an image that images.ts builds. */
export const imageName = (target: string): string => `dinghy/${target}`;

/** Services of a workload, as the file names them. */
export const serviceNames = (workload: string) => ({
  init: `${workload}-init`,
  sidecar: `${workload}-sidecar`,
  agent: `${workload}-agent`,
  app: `${workload}-app`,
});

const after = (service: string, condition: Condition = 'service_started'): Pick<Service, 'depends_on'> => ({
  depends_on: { [service]: { condition } },
});
const publish = (ports: readonly PublishedPort[]): string[] => ports.map(({ host, container }) => `127.0.0.1:${host}:${container}`);
const mount = (file: string, at: string): string => `./${file}:${at}:ro`;
const at = (address: string): Pick<Service, 'networks'> => ({ networks: { mesh: { ipv4_address: address } } });

/** Ends within seconds, is started again when it crashes, and cannot become more than it is. */
const PROGRAM: Service = { restart: 'on-failure', stop_grace_period: '3s', cap_drop: ['ALL'], security_opt: ['no-new-privileges'] };

const controlPlaneService = ({ controlPlane: { address, command, token, ports } }: ComposedMesh): Service => ({
  image: imageName('control-plane'),
  command: [...command],
  environment: { DINGHY_TOKEN: token },
  ...at(address),
  ports: publish(ports),
  ...PROGRAM,
});

const USER = `${SIDECAR_UID}:${SIDECAR_UID}`;

const proxyService = ({ proxy, agents }: ComposedMesh, name: string): Service => ({
  image: imageName(proxy.image),
  user: USER,
  command: [...proxy.command(name)],
  environment: { ...proxy.env },
  volumes: [mount(`${name}.bootstrap.json`, BOOTSTRAP_FILE), agents[name] ? sockets(name) : identity(name)],
  ...PROGRAM,
});

const identity = (name: string): string => mount(`identity/${name}`, IDENTITY_FOLDER);
const sockets = (name: string): string => `./sockets/${name}:${SOCKETS}`;

/** Asks the authority as the user whose connections are let through; its key is in no file. */
const agentServices = ({ agents }: ComposedMesh, name: string, place: Partial<Service>): Record<string, Service> => {
  const command = agents[name];
  if (command === undefined) return {};
  const volumes = [identity(name), sockets(name)];
  return { [serviceNames(name).agent]: { image: imageName('agent'), user: USER, command: [...command], volumes, ...PROGRAM, ...place } };
};

/** The pause container owns the pod's network; it never restarts, so neither addresses nor rules are ever lost. */
const podServices = (mesh: ComposedMesh, seat: Seat & { readonly kind: 'workload' }): Record<string, Service> => {
  const { name, namespace, program, env } = seat.definition;
  const { init, sidecar, app } = serviceNames(name);
  const network_mode = `service:${name}`;
  return {
    [name]: { image: imageName('pause'), ...at(seat.address), ports: publish(mesh.ports[name] ?? []), cap_drop: ['ALL'] },
    [init]: {
      image: imageName('init'),
      network_mode,
      cap_drop: ['ALL'],
      cap_add: ['NET_ADMIN', 'NET_RAW'],
      volumes: [mount('redirect.rules', `${FILES}/redirect.rules`)],
      ...after(name),
    },
    [sidecar]: { ...proxyService(mesh, name), network_mode, ...after(init, 'service_completed_successfully') },
    ...agentServices(mesh, name, { network_mode, ...after(init, 'service_completed_successfully') }),
    [app]: {
      image: imageName('apps'),
      network_mode,
      command: [program],
      environment: { ...env, PORT: String(seat.appPort) },
      volumes: [mount(`hosts.${namespace}`, '/etc/hosts')],
      ...PROGRAM,
      ...after(sidecar),
    },
  };
};

const gatewayServices = (mesh: ComposedMesh, { definition: { name }, address }: Seat): Record<string, Service> => ({
  [name]: { ...proxyService(mesh, name), ...at(address), ports: publish(mesh.ports[name] ?? []), ...after('control-plane') },
  ...agentServices(mesh, name, { network_mode: `service:${name}`, ...after(name) }),
});

/** As data. */
export const composeSpecification = (mesh: ComposedMesh): ComposeSpecification => ({
  services: {
    'control-plane': controlPlaneService(mesh),
    ...Object.assign({}, ...mesh.seats.map((seat) => (seat.kind === 'workload' ? podServices(mesh, seat) : gatewayServices(mesh, seat)))),
  },
  networks: { mesh: { ipam: { config: [{ subnet: mesh.subnet }] } } },
});

/** As text. Its folder holds the files that it mounts. */
export const composeFile = (mesh: ComposedMesh): string =>
  [
    `# Mesh ${mesh.name}, written by "dinghy up --mode compose"; "dinghy down" ends it. Admin pages are on port ${ADMIN_PORT} of each pod.`,
    '# A workload is four services: the pod, whose network the others share; its init container, which redirects; its sidecar; its program.',
    stringify(composeSpecification(mesh), { aliasDuplicateObjects: false, lineWidth: 0 }),
  ].join('\n');

/** `/etc/hosts` for programs of one namespace: Kubernetes' short and long names of every service, at its virtual address. */
export const hostsFile = (vips: Readonly<Record<string, string>>, namespace: string): string =>
  ['127.0.0.1 localhost', ...Object.entries(vips).map(([host, vip]) => `${vip} ${namesOf(host, namespace).join(' ')}`)]
    .map((line) => `${line}\n`)
    .join('');

const namesOf = (host: string, namespace: string): string[] => {
  const [, service, itsNamespace] = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host) ?? [];
  if (service === undefined || itsNamespace === undefined) return [host];
  const short = `${service}.${itsNamespace}`;
  return [host, `${short}.svc`, short, ...(itsNamespace === namespace ? [service] : [])];
};
