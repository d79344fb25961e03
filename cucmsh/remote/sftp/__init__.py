"""SFTP: pipelined requests, a store on a node, transfers to backup servers."""
