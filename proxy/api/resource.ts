/** Shapes of the control plane's HTTP API for what people write; site, cli and conformance read them. */

/** A complaint about a document. Source position is 1-based. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'info';
  /** Istio's analyzer code where there is one (IST0101), else empty. */
  readonly code: string;
  /** `VirtualService default/reviews`; empty when the document could not be read that far. */
  readonly resource: string;
  /** Field path inside the document: `spec.http[0].route[1].weight`. */
  readonly path: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Identity of a stored resource. */
export interface ResourceName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One stored resource as the API gives it. */
export interface StoredResource extends ResourceName {
  readonly apiVersion: string;
  readonly file: string;
  readonly line: number;
  readonly createdAt: string;
  /** The document as it was written, comments and all. */
  readonly yaml: string;
  readonly problems: readonly Problem[];
}

/** Answer to apply and delete. `version` is the configuration version from which the change is in force; wait for it in SyncStatus. */
export interface ApplyResult {
  readonly applied: readonly (ResourceName & { readonly outcome: 'created' | 'configured' | 'unchanged' | 'deleted' })[];
  /** When one of them is an error nothing was applied. */
  readonly problems: readonly Problem[];
  readonly version: number;
}
