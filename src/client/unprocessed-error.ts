/** The server has certainly not begun with the request, which may therefore be sent again, whatever its method. */
export class UnprocessedError extends Error { override readonly name = 'UnprocessedError' }
