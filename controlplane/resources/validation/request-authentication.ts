/** What RequestAuthentications must obey beyond their shape. Messages follow istioctl validate. */
import type { Complaint } from '../problem.ts';
import type { RequestAuthenticationSpec } from '../security/request-authentication.ts';
import { checkSelection } from './selection.ts';

/** Paths in the complaints start at `spec`. */
export const validateRequestAuthentication = (spec: RequestAuthenticationSpec): readonly Complaint[] => checkSelection(spec);
