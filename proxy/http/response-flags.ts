/** The flags' table lives in the contract, as the site reads its words too; the rooms know it under this name. */
export { RESPONSE_FLAGS, type ResponseFlag } from '../api/response-flags.ts';
