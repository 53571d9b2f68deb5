/** What both sides of a SPDY/3 connection have "seen" before the first header block, so that usual names compress well. From the SPDY/3.1 draft, 2.6.10.1. Pure. */
const words = ('options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding '
  + 'content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since '
  + 'last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning '
  + 'www-authenticate method get status 200|OK version HTTP/1.1 url public set-cookie keep-alive origin').split(' ').map((word) => word.replace('|', ' '))

const rest = '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently'
  + '400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable'
  + 'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT'
  + 'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

const withLength = (word: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(word.length)
  return Buffer.concat([length, Buffer.from(word)])
}

/** 1423 bytes, whose Adler-32 (the stream's DICTID) is e3c6a7c2. */
export const dictionary: Buffer = Buffer.concat([...words.map(withLength), Buffer.from(rest)])
