/** What istio-init writes: every TCP connection of a pod goes through its sidecar. Pure. */

/** The sidecar's user: its own connections are let through. */
export const SIDECAR_UID = 1337;

/** Ports that the rules know. */
export interface RedirectPorts {
  /** Where connections of the pod's programs go. */
  readonly outbound: number;
  /** Where connections from other pods go. */
  readonly inbound: number;
  /** Ports of the pod that are reached as they are dialled: the sidecar's own pages. */
  readonly open: readonly number[];
}

/** For `iptables-restore --noflush`. */
export const redirectRules = ({ outbound, inbound, open }: RedirectPorts): string =>
  `${[
    '*nat',
    ':ISTIO_INBOUND - [0:0]',
    ':ISTIO_IN_REDIRECT - [0:0]',
    ':ISTIO_OUTPUT - [0:0]',
    ':ISTIO_REDIRECT - [0:0]',
    '-A PREROUTING -p tcp -j ISTIO_INBOUND',
    '-A OUTPUT -p tcp -j ISTIO_OUTPUT',
    ...open.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`),
    '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${inbound}`,
    // The sidecar chose its own pod as the destination: that call enters like any other.
    `-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner ${SIDECAR_UID} -j ISTIO_IN_REDIRECT`,
    // Programs of one pod talk to each other as they like.
    `-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner ${SIDECAR_UID} -j RETURN`,
    `-A ISTIO_OUTPUT -m owner --uid-owner ${SIDECAR_UID} -j RETURN`,
    '-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN',
    '-A ISTIO_OUTPUT -p tcp -j ISTIO_REDIRECT',
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${outbound}`,
    'COMMIT',
  ].join('\n')}\n`;
