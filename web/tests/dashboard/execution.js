/**
 * An execution as the API answers it.
 *
 * @param {string} taskId
 * @param {{second?: number, version?: number, status?: import("/callboard.js").Execution["status"]} & Record<string, unknown>} [fields]
 * @returns {import("/callboard.js").Execution}
 */
export function execution(taskId, { second = 0, version = 1, status = "RUNNING", ...kept } = {}) {
  const moment = new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
  return {
    taskId,
    organizationId: "org",
    status,
    attempt: 1,
    version,
    startTime: null,
    endTime: null,
    createdAt: moment,
    updatedAt: moment,
    ...kept,
  };
}
