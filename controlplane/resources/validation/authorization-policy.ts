/** What AuthorizationPolicys must obey beyond their shape. Messages follow istioctl validate. */
import type { Complaint } from '../problem.ts';
import type { AuthorizationPolicySpec } from '../security/authorization-policy.ts';
import { checkSelection } from './selection.ts';

/** Paths in the complaints start at `spec`. */
export const validateAuthorizationPolicy = (spec: AuthorizationPolicySpec): readonly Complaint[] => checkSelection(spec);
