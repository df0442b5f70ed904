#ifndef NODE_RPC_BLOB_H
#define NODE_RPC_BLOB_H

/* Blobs and images: what block on the disk is done on workers. */

#include "node/node.h"

void rpc_blob_import(struct node *node, struct control_call *call);
void rpc_blob_export(struct node *node, struct control_call *call);
void rpc_image_import(struct node *node, struct control_call *call);
void rpc_image_list(struct node *node, struct control_call *call);
void rpc_image_show(struct node *node, struct control_call *call);
void rpc_image_remove(struct node *node, struct control_call *call);

/* Appends {path, bytes} of a tree's files (and task, unless UINT32_MAX) to a
 * list that may hold so much text; what does not fit is counted. */
struct file_list {
    json_t *files;
    size_t room; /* bytes of text left */
    uint64_t left_out;
};
void file_list_add(struct file_list *list, uint32_t task, const char *path,
                   uint64_t bytes);

#endif
