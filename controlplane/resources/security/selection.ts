/** How policies say which workloads they are about. Source: istio.io/api type/v1beta1 selector.proto. */
import { listOf, mapOf, object, str } from '../shape.ts';

const targetRef = object({ group: str, kind: str, name: str, namespace: str });

/** By labels, or by the names of what is attached to. */
export const SELECTION = { selector: object({ matchLabels: mapOf(str) }), targetRef, targetRefs: listOf(targetRef) };
